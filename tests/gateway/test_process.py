"""`ratchet serve` as a process of its own: killed, stopped, and started again."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pyarrow.parquet as pq
import pytest

from ratchet.stores.home import Home
from ratchet.stores.sealing import left_behind, read_journal

COMMAND = "import sys; from orchestration.cli.app import main; sys.exit(main())"
Started = tuple["subprocess.Popen[str]", str]


@pytest.fixture
def start(home: Home) -> Iterator[Callable[..., Started]]:
    """Start a gateway on a free port and wait until it says where; what still runs at the end is killed."""
    running: list[subprocess.Popen[str]] = []

    def begin(**environment: str) -> Started:
        command = [sys.executable, "-c", COMMAND, "--home", str(home.root), "serve", "--port", "0", "--durable"]
        process = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, env={**os.environ, "RATCHET_GATEWAY_BALLAST_BYTES": "0", **environment}
        )
        running.append(process)
        assert process.stderr is not None
        said = process.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", said)
        assert found, said
        client = httpx.Client(base_url=found[0], timeout=60)
        with client:
            assert client.get("/readyz").status_code == 200
        return process, found[0]

    yield begin
    for process in running:
        process.kill()
        process.wait()
        if process.stderr:
            process.stderr.close()


def correct(address: str, first: int, count: int) -> set[str]:
    """Send corrections one after the other until the gateway is gone; the ids that it acknowledged."""
    acknowledged = set()
    with httpx.Client(base_url=address, timeout=30) as client:
        for n in range(first, first + count):
            body = {"classifier": "small", "request_id": f"r{n}", "label": "green", "annotator": "ann_a", "saw_prediction": False}
            try:
                if client.post("/v1/corrections", json=body).status_code == 201:
                    acknowledged.add(f"r{n}")
            except httpx.TransportError:
                break
    return acknowledged


def stored(home: Home) -> list[str]:
    """The requests whose corrections are on disk."""
    segments = home.landing("small", "corrections").glob("gateway-*.parquet")
    sealed = [found for path in segments for found in pq.read_table(path)["request_id"].to_pylist()]
    journals = left_behind(home.journal("small", "corrections"))
    return sealed + [row["request_id"] for path in journals for row in read_journal(path)[0]]


@pytest.mark.parametrize("when", ["journal.before_write", "journal.before_sync", "journal.before_answer", ""])
def test_kill_9_under_load_loses_no_acknowledged_correction(home: Home, start: Callable[..., Started], when: str) -> None:
    """F01: four clients write while the process is killed; after the next start each acknowledged row is there once."""
    process, address = start(**({"RATCHET_FAILPOINT": f"{when}:kill"} if when else {}))
    found: list[set[str]] = []

    def write(first: int) -> None:
        found.append(correct(address, first, 200))

    clients = [threading.Thread(target=write, args=(1000 * k,)) for k in range(4)]
    for client in clients:
        client.start()
    if not when:
        process.send_signal(signal.SIGKILL)
    assert process.wait(timeout=60) == -signal.SIGKILL
    for client in clients:
        client.join()
    acknowledged = set().union(*found)
    assert acknowledged <= set(stored(home))
    again, address = start()
    acknowledged |= correct(address, 9000, 3)
    again.send_signal(signal.SIGTERM)
    assert again.wait(timeout=60) == 0
    kept = stored(home)
    assert acknowledged <= set(kept)
    assert len(kept) == len(set(kept))
    assert left_behind(home.journal("small", "corrections")) == []


def test_a_graceful_stop_answers_what_is_in_flight(home: Home, start: Callable[..., Started]) -> None:
    """F03: SIGTERM under load: every request that was taken is answered, rows are sealed, the exit code is 0."""
    process, address = start()
    statuses: list[int] = []
    begun = threading.Semaphore(0)

    def ask() -> None:
        with httpx.Client(base_url=address, timeout=60) as client:
            while True:
                try:
                    statuses.append(client.post("/v1/classifiers/small", json={"text": "money back please"}).status_code)
                    begun.release()
                except httpx.ConnectError:
                    return
                except httpx.RemoteProtocolError:  # an idle connection that the server closed: nothing was taken
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
    rows = sum(pq.read_table(path).num_rows for path in home.landing("small", "production_logs").glob("gateway-*.parquet"))
    assert rows >= len(statuses)
    assert not Path(home.journal("small", "production_logs")).joinpath("000000000001.wal").exists()


def test_a_port_that_is_taken_is_one_sentence(home: Home, start: Callable[..., Started]) -> None:
    """And so is a setting that cannot be."""
    _, address = start()
    port = address.rpartition(":")[2]
    command = [sys.executable, "-c", COMMAND, "--home", str(home.root), "serve"]
    taken = subprocess.run([*command, "--port", port], capture_output=True, text=True, timeout=120, check=False)
    assert (taken.returncode, "cannot be listened on" in taken.stderr) == (1, True)
    environment = {**os.environ, "RATCHET_GATEWAY_MAX_WAITING": "many"}
    wrong = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert (wrong.returncode, "Set RATCHET_GATEWAY_MAX_WAITING otherwise" in wrong.stderr) == (1, True)
