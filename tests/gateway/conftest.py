"""What the gateway's tests share: a home with a tiny classifier, two adapters, one of them promoted; and clients of the app."""

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from gateway.app import create_app
from gateway.settings import Settings
from ratchet.bases import resolve_base
from ratchet.candidate import Candidate
from ratchet.stores.adapter_store import AdapterStore
from ratchet.stores.home import Home
from ratchet.stores.ledger import Ledger
from ratchet.stores.sealing import left_behind, read_journal
from ratchet.stores.serving import settle
from ratchet.testing import SmallClassifier
from ratchet.tiny_encoder import write_tiny_encoder
from ratchet.training.outcome import read_result
from ratchet.training.plan import TrainingPlan, prepare

LABELS = ("amber", "green", "violet")
TEXTS = {
    "amber": "money back please number {}",
    "green": "where is the parcel number {}",
    "violet": "my password is lost number {}",
}
EXAMPLES = [(text.format(n), label) for n in range(12) for label, text in TEXTS.items()]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, list[str]]:
    """A home with classifier `small`, and the digests of its two sealed adapters. Copy it before changing anything."""
    root = tmp_path_factory.mktemp("gateway")
    base = resolve_base(str(write_tiny_encoder(root / "base", [text for text, _ in EXAMPLES])))
    home = Home(root / "home")
    SmallClassifier(home).write(candidates=f'[[candidate]]\nmethod = "probe"\nbase = "{base.name}"\nmax_tokens = 32\n')
    probe = Candidate(base=base.name, method="probe", max_tokens=32)
    plan = TrainingPlan(LABELS, (probe, replace(probe, inverse_regularisation=0.5)), {base.name: base.revision}, "0" * 64, "test")
    work = prepare(root / "work", plan, EXAMPLES[:27], EXAMPLES[27:])
    subprocess.run([sys.executable, "-m", "ratchet.training", str(work)], check=True, capture_output=True)
    folders = [work / found.folder for found in read_result(work).candidates]
    return home, [AdapterStore(home).seal("small", folder, {}) for folder in folders]


@pytest.fixture
def enter(home: Home) -> Callable[[str], None]:
    """Promote an adapter: a ledger entry as the ceremony writes it, and the flag that follows."""
    return lambda adapter: _enter(home, adapter)


def _enter(home: Home, adapter: str) -> None:
    Ledger(home).append(
        "small",
        ts="2026-01-05T10:00:00+00:00",
        actor="test",
        action="promote",
        why="test",
        adapter=adapter,
        week="2026-01-05",
        receipts={},
    )
    settle(home, "small")


@pytest.fixture
def home(made: tuple[Home, list[str]], tmp_path: Path) -> Home:
    """A home of one's own, in which the first adapter is live."""
    copy = Home(Path(shutil.copytree(made[0].root, tmp_path / "home")))
    _enter(copy, made[1][0])
    return copy


@pytest.fixture
def serve(home: Home) -> Iterator[Callable[..., TestClient]]:
    """Start the application on the home; keywords are settings."""
    clients: list[TestClient] = []

    def start(**settings: object) -> TestClient:
        client = TestClient(create_app(Settings(home=home.root, **settings)), raise_server_exceptions=False)
        clients.append(client)
        client.__enter__()
        return client

    yield start
    for client in clients:
        client.__exit__(None, None, None)


class GatewayProcesses:
    """`ratchet serve --durable` on a home, as processes of their own, and a client of corrections."""

    COMMAND = "import sys; from orchestration.cli.app import main; sys.exit(main())"

    def __init__(self, home: Home) -> None:
        self._home, self.running = home, list[subprocess.Popen[str]]()

    def start(self, **environment: str) -> tuple["subprocess.Popen[str]", str]:
        """Start a gateway on a free port and wait until it is ready; the process, and its address."""
        command = [sys.executable, "-c", self.COMMAND, "--home", str(self._home.root), "serve", "--port", "0", "--durable"]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment})
        self.running.append(process)
        assert process.stderr is not None
        said = process.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", said)
        assert found, said
        with httpx.Client(base_url=found[0], timeout=60) as client:
            assert client.get("/readyz").status_code == 200
        return process, found[0]

    @staticmethod
    def correct(address: str, first: int, count: int, told: threading.Semaphore | None = None) -> set[str]:
        """Send corrections one after the other until the gateway is gone; the ids that it acknowledged, each also told."""
        acknowledged = set()
        with httpx.Client(base_url=address, timeout=30) as client:
            for n in range(first, first + count):
                body = {"classifier": "small", "request_id": f"r{n}", "label": "green", "annotator": "ann_a"}
                try:
                    if client.post("/v1/corrections", json={**body, "saw_prediction": False}).status_code == 201:
                        acknowledged.add(f"r{n}")
                        if told:
                            told.release()
                except httpx.TransportError:
                    break
        return acknowledged

    @staticmethod
    def stored(home: Home) -> list[str]:
        """The requests whose corrections are on disk."""
        segments = home.landing("small", "corrections").glob("gateway-*.parquet")
        sealed = [found for path in segments for found in pq.read_table(path)["request_id"].to_pylist()]
        journals = left_behind(home.journal("small", "corrections"))
        return sealed + [row["request_id"] for path in journals for row in read_journal(path)[0]]


@pytest.fixture
def gateway_processes(home: Home) -> Iterator[GatewayProcesses]:
    """Gateways on the home; what still runs at the end is killed."""
    found = GatewayProcesses(home)
    yield found
    for process in found.running:
        process.kill()
        process.wait()
        if process.stderr:
            process.stderr.close()
