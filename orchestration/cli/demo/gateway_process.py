"""Gateway in a process of its own, for as long as the demo needs it.

Add here how the demo starts it and waits for it; `ratchet serve` itself is `orchestration/cli/commands/serve/serve.py`.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ratchet.core.errors import RatchetError
from ratchet.core.timeouts import DEMO_SETTLE_S, DEMO_START_S, DEMO_STOP_S
from ratchet.storage.home import Home
from ratchet.storage.rollout.flag_file import Flags

_COMMAND = """
import sys
from ratchet.core.child_processes import die_with_parent
die_with_parent(int(sys.argv.pop(1)))  # a killed demo leaves no gateway behind
from orchestration.cli.app import main
sys.exit(main())
"""
_SERVE = ("serve", "--open", "--port", "0")
_ROOT = Path(__file__).parents[3]


@contextmanager
def run_gateway(home: Home, log: Path, max_shadow_load: float = 0.5, *, clock_offset_s: float = 0.0) -> Iterator[str]:
    """Yield the address of a gateway over `home` that seals its rows twice a second; stop it after the block.

    Its rows are dated `clock_offset_s` seconds after now. Raises `RatchetError` when it does not start.
    """
    quick = {"SEAL_S": "0.5", "POLL_S": "0.1", "BALLAST_BYTES": "0", "MAX_SHADOW_LOAD": str(max_shadow_load)}
    quick["CLOCK_OFFSET_S"] = str(clock_offset_s)
    quick = {f"RATCHET_GATEWAY_{name}": value for name, value in quick.items()}
    path = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH", "")]))
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", _COMMAND, str(os.getpid()), "--home", str(home.root), *_SERVE],
            stdout=output, stderr=output, env={**os.environ, **quick, "PYTHONPATH": path}, start_new_session=True,
        )  # fmt: skip
        try:
            yield _await_address(process, log)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(DEMO_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def await_rows(home: Home, classifier: str, url: str, compared: int, key: str = "") -> None:
    """Wait until `compared` requests were shadowed or dropped, and every row is sealed.

    Raises `RatchetError` after a minute.
    """
    deadline = time.monotonic() + DEMO_SETTLE_S
    while time.monotonic() < deadline:
        waiting = sum(
            path.stat().st_size
            for kind in ("pairs", "corrections")
            for path in home.journal(classifier, kind).glob("*.wal")
        )
        if not waiting and _count(url, r"ratchet_shadow_(?:requests|dropped)_total\{.*\} (\S+)", key) >= compared:
            return
        time.sleep(0.1)
    raise RatchetError("the gateway did not seal its rows within a minute.", "See its log.", code="not_sealed")


def await_rollout(home: Home, classifier: str, url: str, key: str = "") -> None:
    """Wait until the gateway serves what the flag file says; raises `RatchetError` after a minute."""
    rollout, deadline = Flags(home).read().rollouts[classifier], time.monotonic() + DEMO_SETTLE_S
    while time.monotonic() < deadline:
        result = json.loads(_get(f"{url}/v1/status", key))["classifiers"].get(classifier, {})
        if (result.get("adapters"), result.get("candidate_percent")) == (rollout.adapters, rollout.served_percent):
            return
        time.sleep(0.1)
    raise RatchetError("the gateway did not follow the rollout within a minute.", "See its log.", code="not_followed")


def _await_address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + DEMO_START_S
    while time.monotonic() < deadline and process.poll() is None:
        if result := re.search(r"serve: (http://\S+?),", log.read_text(encoding="utf-8", errors="replace")):
            return result[1]
        time.sleep(0.1)
    raise RatchetError("the gateway did not start.", f"The log is {log}.", code="no_gateway")


def _count(url: str, pattern: str, key: str) -> float:
    return sum(float(result) for result in re.findall(pattern, _get(f"{url}/metrics", key)))


def _get(url: str, key: str) -> str:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"} if key else {})  # noqa: S310 - our own gateway on loopback
    with urllib.request.urlopen(request, timeout=DEMO_SETTLE_S) as reply:  # noqa: S310
        return str(reply.read().decode())
