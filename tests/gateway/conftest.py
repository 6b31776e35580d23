"""What the gateway's tests share: a home with a tiny classifier, two adapters, one of them promoted; and clients of the
app."""

import asyncio
import logging
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import httpx
import pyarrow.parquet as pq
import pytest
import uvicorn
from starlette.testclient import TestClient

from gateway.app import create_app
from gateway.settings import Settings
from ratchet.config.candidate import Candidate
from ratchet.models.base_models import resolve_base
from ratchet.storage.home import Home
from ratchet.storage.journal.segments import left_behind, read_journal
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.testing.homes import SmallClassifier, keep_receipts
from ratchet.testing.tiny_encoder import write_tiny_encoder
from ratchet.training.plan import TrainingPlan, prepare
from ratchet.training.result import TrainingResult
from ratchet.workflows.rollout.reconcile import record

LABELS = ("amber", "green", "violet")
TEXTS = {
    "amber": "money back please number {}",
    "green": "where is the parcel number {}",
    "violet": "my password is lost number {}",
}
EXAMPLES = [(text.format(n), label) for n in range(12) for label, text in TEXTS.items()]


@pytest.fixture(scope="session")
def made(
    tmp_path_factory: pytest.TempPathFactory, train_here: Callable[[Path], TrainingResult]
) -> tuple[Home, list[str]]:
    """A home with classifier `small`, and the digests of its two sealed adapters. Copy it before changing anything."""
    root = tmp_path_factory.mktemp("gateway")
    base = resolve_base(str(write_tiny_encoder(root / "base", [text for text, _ in EXAMPLES])))
    home = Home(root / "home")
    SmallClassifier(home).write(candidates=f'[[candidate]]\nmethod = "probe"\nbase = "{base.name}"\nmax_tokens = 32\n')
    probe = Candidate(base=base.name, method="probe", max_tokens=32)
    plan = TrainingPlan(
        LABELS, (probe, replace(probe, inverse_regularisation=0.5)), {base.name: base.revision}, "0" * 64, "test"
    )
    work = prepare(root / "work", plan, EXAMPLES[:27], EXAMPLES[27:])
    folders = [work / found.folder for found in train_here(work).candidates]
    return home, [AdapterStore(home).seal("small", folder, {}) for folder in folders]


@pytest.fixture
def enter(home: Home) -> Callable[..., None]:
    """Move an adapter: `enter(adapter)` promotes it, `enter(adapter, "step", 25)` takes a step."""
    return partial(_enter, home)


def _enter(home: Home, adapter: str, action: str = "promote", percent: int = 0, gone: str = "", **fields: str) -> None:
    receipts = keep_receipts(home, "small", "2026-01-05", adapter) if action in {"promote", "shadow"} else {}
    said = {"ts": "2026-01-05T10:00:00+00:00", "actor": "test", "why": "test", "week": "2026-01-05"}
    taken = {"previous_adapter": gone} if gone else {}
    record(home, "small", action=action, adapter=adapter, percent=percent, receipts=receipts, **said, **taken, **fields)


@pytest.fixture(scope="session")
def promoted(made: tuple[Home, list[str]], tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The home in which the first adapter is live, made once: to write it durably takes a hundred times a copy."""
    copy = Home(Path(shutil.copytree(made[0].root, tmp_path_factory.mktemp("promoted") / "home")))
    _enter(copy, made[1][0])
    return copy


@pytest.fixture
def home(promoted: Home, tmp_path: Path) -> Home:
    """A home of one's own, in which the first adapter is live."""
    return Home(Path(shutil.copytree(promoted.root, tmp_path / "home")))


@pytest.fixture
def serve(home: Home) -> Iterator[Callable[..., TestClient]]:
    """Start the application on the home; keywords are settings."""
    clients: list[TestClient] = []

    def start(**settings: object) -> TestClient:
        # no reserved disk space for each test; keys, where a home has some, are asked for all the same
        settings = {"ballast_bytes": 0, "open": True, **settings}
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
                yield from ((route.path.replace(":path}", "}"), method) for method in route.methods - {"HEAD"})

    return lambda client: sorted(below(client.app.routes))  # type: ignore[attr-defined] # Starlette's client knows only ASGI


@dataclass(frozen=True)
class Reply:
    """What came back for one request."""

    status: int
    headers: dict[str, str]
    content: bytes


Sent = tuple[str, bytes, bytes, list[tuple[bytes, bytes]]]
"""Method, raw path, body and headers of one request, as bytes that no client library has tidied."""


async def send(app: Any, method: str, raw_path: bytes, body: bytes, headers: list[tuple[bytes, bytes]]) -> Reply:
    """Put one request to an application as a server does, as JSON where its headers name no type."""
    if not any(name == b"content-type" for name, _ in headers):
        headers = [*headers, (b"content-type", b"application/json")]
    path, _, query = raw_path.partition(b"?")
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "raw_path": path,
        "path": unquote_to_bytes(path).decode("utf-8", "replace"), "query_string": query, "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "state": {},
    }  # fmt: skip
    parts = [
        {"type": "http.request", "body": body[n : n + 65536], "more_body": True} for n in range(0, len(body), 65536)
    ]
    parts.append({"type": "http.request", "body": b"", "more_body": False})
    told: list[Any] = []

    answered = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if parts:
            return parts.pop(0)
        await answered.wait()
        return {"type": "http.disconnect"}

    async def hear(message: Any) -> None:
        told.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            answered.set()

    with suppress(Exception):  # what the handler of faults raises again, after it answered 500
        await app(scope, receive, hear)
    given = {name.decode(): value.decode() for name, value in told[0]["headers"]}
    return Reply(told[0]["status"], given, b"".join(part.get("body", b"") for part in told[1:]))


@pytest.fixture
def put() -> Callable[[TestClient, Iterable[Sent]], list[Reply]]:
    """Put many raw requests to a started application, 32 at a time, in its own event loop."""

    def run(client: TestClient, requests: Iterable[Sent]) -> list[Reply]:
        async def all_of_them() -> list[Reply]:
            found: list[Reply] = []
            waiting = iter(requests)
            while some := list(islice(waiting, 32)):
                found += await asyncio.gather(*(send(client.app, *request) for request in some))
            return found

        assert client.portal is not None
        found: list[Reply] = client.portal.call(all_of_them)
        return found

    return run


@pytest.fixture
def kept_logging() -> Iterator[None]:
    """Leave the process's logging as it was."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    root.handlers[:], root.level = before, level


class GatewayProcesses:
    """`ratchet serve --durable` on a home, as processes of their own, and a client of corrections."""

    COMMAND = "import sys; from orchestration.cli.app import main; sys.exit(main())"

    def __init__(self, home: Home) -> None:
        self._home, self.running = home, list[subprocess.Popen[str]]()

    def start(self, **environment: str) -> tuple["subprocess.Popen[str]", str]:
        """Start a gateway on a free port and wait until it is ready; the process, and its address."""
        command = [
            sys.executable,
            "-c",
            self.COMMAND,
            "--home",
            str(self._home.root),
            "serve",
            "--open",
            "--port",
            "0",
            "--durable",
        ]
        process = subprocess.Popen(
            command,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "RATCHET_GATEWAY_BALLAST_BYTES": "0", **environment},
        )
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
        """Send corrections one after the other until the gateway is gone; the ids that it acknowledged, each also
        told."""
        acknowledged = set()
        with httpx.Client(base_url=address, timeout=30) as client:
            for n in range(first, first + count):
                body = {"classifier": "small", "request_id": f"r{n}", "label": "green"}
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


@pytest.fixture
def over_socket() -> Iterator[Callable[[Settings], str]]:
    """Serve the application on a free port, in a thread of this process; its address. Who connects early waits."""
    running = []

    def start(settings: Settings) -> str:
        server = uvicorn.Server(uvicorn.Config(create_app(settings), log_level="warning", ws="none"))
        listening = socket.create_server(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        running.append((server, thread, listening))
        return f"http://127.0.0.1:{listening.getsockname()[1]}"

    yield start
    for server, thread, listening in running:
        server.should_exit = True
        thread.join()
        listening.close()
