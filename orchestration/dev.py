"""Dagster's UI and daemon on this machine, behind our guard: `python -m orchestration.dev`, which is `make dev`.

`dagster dev` would start Dagster's own webserver, which executes what any page of another site sends. Add here another
process that a deployment on one machine needs.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from orchestration.instance import prepare_dagster_home
from orchestration.webserver import HOST, PORT
from ratchet.core.timeouts import DEV_STOP_S
from ratchet.storage.home_rights import follow_home_rights

_ROOT = Path(__file__).parents[1]
_LOOK_S = 0.5


def main(words: Sequence[str]) -> int:
    """Run both until Ctrl-C, SIGTERM or the end of one of them; 1 if one ended by itself."""
    parser = argparse.ArgumentParser(prog="python -m orchestration.dev", description=__doc__.partition(":")[0])
    parser.add_argument("-p", "--port", type=int, default=PORT, help="port of the UI on loopback")
    port = str(parser.parse_args(words).port)
    folder = Path(os.environ["DAGSTER_HOME"])
    follow_home_rights(Path(os.environ.get("RATCHET_HOME", folder.parent)))
    prepare_dagster_home(folder)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    workspace = ["-w", str(_ROOT / "workspace.yaml")]
    commands = (
        ["orchestration.webserver", "-p", port, *workspace],
        ["dagster._daemon", "run", *workspace],
    )
    running = [subprocess.Popen([sys.executable, "-m", *words], cwd=_ROOT) for words in commands]
    print(f"dev: the UI comes up at http://{HOST}:{port}; Ctrl-C stops it", file=sys.stderr)  # noqa: T201
    try:
        while all(process.poll() is None for process in running):
            time.sleep(_LOOK_S)
    except KeyboardInterrupt:
        return 0
    else:
        return 1
    finally:
        _stop(running)


def _stop(running: list[subprocess.Popen[bytes]]) -> None:
    for process in running:
        process.send_signal(signal.SIGINT)
    for process in running:
        try:
            process.wait(DEV_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
