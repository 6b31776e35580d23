"""`ratchet serve` as a process of its own: killed, stopped, and started again."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pyarrow.parquet as pq
import pytest

from ratchet.storage.home import Home
from ratchet.storage.journal.segments import left_behind

pytestmark = pytest.mark.slow

Started = tuple["subprocess.Popen[str]", str]


@pytest.fixture
def start(gateway_processes: Any) -> Callable[..., Started]:
    """Start a gateway on a free port and wait until it is ready."""
    return gateway_processes.start  # type: ignore[no-any-return]


def test_kill_9_under_load_loses_no_acknowledged_correction(
    home: Home, start: Callable[..., Started], gateway_processes: Any
) -> None:
    """F01: four clients write while the process is killed; after the next start each acknowledged row is there once."""
    process, address = start(RATCHET_FAILPOINT="journal.before_answer:kill")  # other instants are in `test_faults.py`
    found: list[set[str]] = []

    def write(first: int) -> None:
        found.append(gateway_processes.correct(address, first, 200))

    clients = [threading.Thread(target=write, args=(1000 * k,)) for k in range(4)]
    for client in clients:
        client.start()
    assert process.wait(timeout=60) == -signal.SIGKILL
    for client in clients:
        client.join()
    acknowledged = set().union(*found)
    assert acknowledged <= set(gateway_processes.stored(home))
    again, address = start()
    acknowledged |= gateway_processes.correct(address, 9000, 3)
    again.send_signal(signal.SIGTERM)
    assert again.wait(timeout=60) == 0
    kept = gateway_processes.stored(home)
    assert acknowledged <= set(kept)
    assert len(kept) == len(set(kept))
    assert all(path.stat().st_size == 0 for path in left_behind(home.journal("small", "corrections")))


def test_a_graceful_stop_answers_what_is_in_flight(home: Home, start: Callable[..., Started]) -> None:
    """F03: SIGTERM under load: every request that was taken is answered, rows are sealed, the exit code is 0."""
    process, address = start()
    statuses: list[int] = []
    begun = threading.Semaphore(0)

    def ask() -> None:
        with httpx.Client(base_url=address, timeout=60) as client:
            while True:
                try:
                    statuses.append(
                        client.post("/v1/classifiers/small", json={"text": "money back please"}).status_code
                    )
                    begun.release()
                except httpx.ConnectError:
                    return
                # an idle connection that the server closed: nothing was taken
                except (httpx.RemoteProtocolError, httpx.ReadError):
                    return

    clients = [threading.Thread(target=ask) for _ in range(4)]
    for client in clients:
        client.start()
    for _ in range(20):
        assert begun.acquire(timeout=60)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0
    for client in clients:
        client.join()
    assert set(statuses) == {200}
    rows = sum(
        pq.read_table(path).num_rows for path in home.landing("small", "production_logs").glob("gateway-*.parquet")
    )
    assert rows >= len(statuses)
    assert not Path(home.journal("small", "production_logs")).joinpath("000000000001.wal").exists()


def test_a_port_that_is_taken_is_one_sentence(
    home: Home, start: Callable[..., Started], gateway_processes: Any
) -> None:
    """And so is a setting that cannot be."""
    _, address = start()
    port = address.rpartition(":")[2]
    command = [sys.executable, "-c", gateway_processes.COMMAND, "--home", str(home.root), "serve", "--open"]
    taken = subprocess.run([*command, "--port", port], capture_output=True, text=True, timeout=120, check=False)
    assert (taken.returncode, "cannot listen on" in taken.stderr) == (1, True)
    environment = {**os.environ, "RATCHET_GATEWAY_MAX_WAITING": "many"}
    wrong = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert (wrong.returncode, "Correct RATCHET_GATEWAY_MAX_WAITING" in wrong.stderr) == (1, True)


KILLED = """
import os, signal, sys
from pathlib import Path
import psutil
from orchestration.cli.demo.gateway_process import run_gateway
from ratchet.storage.home import Home
with run_gateway(Home(Path(sys.argv[1])), Path(sys.argv[1]) / "gateway.log"):
    print(psutil.Process().children()[0].pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_gateway_that_a_command_started_ends_with_it(home: Home) -> None:
    """Kill -9 of the command: no gateway is left that nobody knows of."""
    command = [sys.executable, "-c", KILLED, str(home.root)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    with suppress(psutil.NoSuchProcess):
        psutil.Process(int(done.stdout)).wait(timeout=60)
