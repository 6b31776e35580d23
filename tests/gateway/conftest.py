"""What the gateway's tests share: a home with a tiny classifier, two adapters, one of them promoted; and clients of the app."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from gateway.app import create_app
from gateway.settings import Settings
from ratchet.bases import resolve_base
from ratchet.candidate import Candidate
from ratchet.stores.adapter_store import AdapterStore
from ratchet.stores.home import Home
from ratchet.stores.ledger import Ledger
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
        settings = {"ballast_bytes": 0, **settings}  # room that each test would hold on this disk
        client = TestClient(create_app(Settings(home=home.root, **settings)), raise_server_exceptions=False)
        clients.append(client)
        client.__enter__()
        return client

    yield start
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture
def walk() -> Callable[[TestClient], list[tuple[str, str]]]:
    """Path and method of every route of an application, hidden ones too."""

    def below(routes: Iterable[Any]) -> Iterator[tuple[str, str]]:
        for route in routes:
            if hasattr(route, "original_router"):
                yield from below(route.original_router.routes)
            else:
                yield from ((route.path, method) for method in route.methods - {"HEAD"})

    return lambda client: sorted(below(client.app.routes))  # type: ignore[attr-defined] # Starlette's client knows only ASGI
