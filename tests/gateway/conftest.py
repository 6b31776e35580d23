"""What the gateway's tests share: a home with a tiny classifier, two adapters, one of them promoted; and clients of the app."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from gateway.app import create_app
from gateway.settings import Settings
from ratchet.bases import resolve_base
from ratchet.candidate import Candidate
from ratchet.stores.adapter_store import AdapterStore
from ratchet.stores.home import Home
from ratchet.stores.serving import move
from ratchet.testing import SmallClassifier, keep_receipts
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
def enter(home: Home) -> Callable[..., None]:
    """Move an adapter: `enter(adapter)` promotes it, `enter(adapter, "step", 25)` takes a step."""
    return lambda adapter, action="promote", percent=0: _enter(home, adapter, action, percent)


def _enter(home: Home, adapter: str, action: str = "promote", percent: int = 0) -> None:
    receipts = keep_receipts(home, "small", "2026-01-05", adapter) if action in {"promote", "shadow"} else {}
    said = {"ts": "2026-01-05T10:00:00+00:00", "actor": "test", "why": "test", "week": "2026-01-05"}
    move(home, "small", action=action, adapter=adapter, percent=percent, receipts=receipts, **said)


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
