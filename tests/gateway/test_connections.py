"""A client costs its share and no more: silent, slow and vanished ones, and floods under one key, at a real gateway."""

import asyncio
import os
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn

from gateway.app import create_app
from gateway.server import server_config
from gateway.settings import Settings
from ratchet.storage.home import Home
from ratchet.storage.keys.api_keys import Keys

pytestmark = pytest.mark.slow

URL = "/v1/classifiers/small"
HEAD = b"POST /v1/classifiers/small HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
SERVE = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[1])))
from orchestration.cli.app import main
sys.exit(main(sys.argv[2:]))
"""


class Gateway:
    """A gateway process that may open few files, and its log."""

    def __init__(self, home: Home, log: Path) -> None:
        self._home, self._log = home, log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, descriptors: int = 1024, **environment: str) -> str:
        """Start it; its address."""
        words = ["--home", str(self._home.root), "serve", "--open", "--port", "0"]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", SERVE, str(descriptors), *words],
                stderr=log,
                env={**os.environ, "RATCHET_GATEWAY_BALLAST_BYTES": "0", **environment},
            )
        wait_until(lambda: b"; Ctrl-C" in self._log.read_bytes())
        address = self._log.read_text().split()[1].strip(",")
        assert httpx.get(f"{address}/readyz", timeout=60).status_code == 200
        return address

    def stop(self) -> str:
        """Stop it; the lines that it logged."""
        assert self.process is not None
        self.process.terminate()
        assert self.process.wait(30) == 0
        return "\n".join(line for line in self._log.read_text().splitlines() if line.startswith("{"))


def wait_until(happened: Callable[[], object], within_s: float = 60) -> None:
    """Ask until it happened."""
    deadline, pause = time.monotonic() + within_s, threading.Event()
    while not happened():
        assert time.monotonic() < deadline
        pause.wait(0.05)


@pytest.fixture
def gateway(home: Home, tmp_path: Path) -> Iterator[Gateway]:
    """A gateway on the home, not started yet; this process may open as many files as it needs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 8192)), hard))
    found = Gateway(home, tmp_path / "gateway.log")
    yield found
    if found.process is not None:
        found.process.kill()
        found.process.wait()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def connect(address: str, *parts: bytes) -> socket.socket:
    """A connection that has sent these parts."""
    split = urlsplit(address)
    connection = socket.create_connection((split.hostname, split.port), timeout=60)
    for part in parts:
        connection.sendall(part)
    return connection


SILENT: dict[str, bytes] = {
    "nothing": b"",
    "half a head": b"POST /v1/classifiers/small HTTP/1.1\r\nHos",
    "half a body": HEAD + b"Content-Length: 100\r\n\r\n{",
}


@pytest.mark.parametrize(
    "sent", [name if name == "nothing" else pytest.param(name, marks=pytest.mark.faults) for name in SILENT]
)
def test_a_thousand_silent_sockets_stop_neither_answers_nor_rollbacks(
    gateway: Gateway, sent: str, made: tuple[Home, list[str]], enter: Callable[..., None]
) -> None:
    """More sockets than the process may open files: others are answered at once, and a rollback is followed."""
    first, second = made[1]
    enter(second)
    address = gateway.start()
    with ExitStack() as stack, httpx.Client(base_url=address, timeout=20) as client:
        for _ in range(1100):
            with suppress(ConnectionError):
                stack.enter_context(connect(address, SILENT[sent]))
        answers = [httpx.post(address + URL, json={"text": "money back"}, timeout=20) for _ in range(5)]
        assert [(answer.status_code, answer.json()["adapter"]) for answer in answers] == [(200, second)] * 5
        assert max(answer.elapsed.total_seconds() for answer in answers) < 5
        enter(first)
        wait_until(lambda: client.post(URL, json={"text": "money back"}).json()["adapter"] == first, 15)
        assert client.get("/readyz").json()["disk"] == ""
    assert gateway.stop() == ""


LATE: dict[str, tuple[tuple[bytes, ...], bytes]] = {
    "nothing": ((), b""),
    "half a head": ((b"POST / HT",), b"HTTP/1.1 408"),
    "half a body": ((HEAD + b"Content-Length: 100\r\n\r\n{",), b"HTTP/1.1 408"),
    "half a chunk": ((HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",), b"HTTP/1.1 408"),
    "a second head": ((b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET /"), b"HTTP/1.1 200"),
}


def test_a_slow_client_has_its_time_and_one_that_hangs_up_is_499(gateway: Gateway) -> None:
    """Who has not sent head or body within their time is closed, drop by drop or not at all; no error is logged."""
    address = gateway.start(RATCHET_GATEWAY_HEAD_S="1", RATCHET_GATEWAY_BODY_S="1")
    for what, (parts, reply) in LATE.items():
        with connect(address, *parts) as connection:
            began, content = time.monotonic(), b""
            while chunk := connection.recv(1000):
                content += chunk
            assert (what, content[:12]) == (what, reply)
            assert time.monotonic() - began < 8
    with connect(address, HEAD + b"Content-Length: 1000\r\n\r\n") as drips:
        began = time.monotonic()
        with suppress(ConnectionError):
            while time.monotonic() - began < 30:
                drips.sendall(b"{")
                drips.settimeout(0.2)
                with suppress(TimeoutError):
                    if not drips.recv(100):
                        break
        assert time.monotonic() - began < 8
    hang_up(address)
    check_promptness(address)
    assert gateway.stop() == ""


def check_promptness(address: str) -> None:
    """Ask 60 times on one connection: no answer's body waits until its head was acknowledged, which takes 40 ms."""
    taken = []
    with connect(address) as connection:
        for _ in range(60):
            began, content = time.monotonic(), b""
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            while not content.endswith(b"}"):
                content += connection.recv(1000)
            taken.append(time.monotonic() - began)
    assert sorted(taken[20:])[10] < 0.03


def hang_up(address: str) -> None:
    """Hang up in the middle of a body, and while texts wait: counted as 499, and the queue is empty again."""
    body = b'{"texts": [' + b", ".join([b'"money back please"'] * 32) + b"]}"
    for _ in range(5):
        connect(address, HEAD + b"Content-Length: 100\r\n\r\n{").close()
    for _ in range(40):
        connect(address, HEAD + b"Content-Length: %d\r\n\r\n" % len(body), body).close()
    with httpx.Client(base_url=address, timeout=60) as client:
        assert client.post(URL, json={"text": "money back"}).status_code == 200

        def hung_up() -> bool:
            return 'code="499"' in client.get("/metrics").text

        wait_until(hung_up)
        wait_until(lambda: "ratchet_queue_size 0.0" in client.get("/metrics").text)


def test_a_flood_under_one_key_leaves_room_for_another(home: Home, gateway: Gateway) -> None:
    """24 connections of one key with 32 texts each, without a pause: each request of another key is answered."""
    keys = Keys(home.keys)
    flood, calm = (keys.add(name, ("classify",)) for name in ("flood", "calm"))
    address = gateway.start()
    stop, statuses = threading.Event(), list[int]()

    def send_on() -> None:
        with httpx.Client(base_url=address, timeout=60, headers={"Authorization": f"Bearer {flood}"}) as client:
            while not stop.is_set():
                statuses.append(client.post(URL, json={"texts": ["money back please " * 20] * 32}).status_code)

    with ThreadPoolExecutor(24) as threads:
        running = [threads.submit(send_on) for _ in range(24)]
        try:
            wait_until(lambda: 429 in statuses)
            with httpx.Client(base_url=address, timeout=60, headers={"Authorization": f"Bearer {calm}"}) as client:
                found = [client.post(URL, json={"text": "where is my parcel"}).status_code for _ in range(40)]
        finally:
            stop.set()
        for each in running:
            each.result()
    assert found == [200] * 40
    assert {200, 429} <= set(statuses) <= {200, 429}


def test_a_rate_counts_texts(home: Home, serve: Callable[..., Any]) -> None:
    """A batch costs its texts, may go into debt once, and the next request waits until that is paid."""
    key = {"Authorization": f"Bearer {Keys(home.keys).add('slow', ('classify',), per_minute=6)}"}
    client = serve()
    found = [client.post(URL, json={"texts": ["money back"] * 4}, headers=key) for _ in range(3)]
    assert [reply.status_code for reply in found] == [200, 200, 429]
    assert int(found[2].headers["Retry-After"]) > 10


def test_at_the_limit_a_newcomer_gets_503_while_everyone_else_is_being_answered(tmp_path: Path) -> None:
    """Nobody is silent, so nobody gives way: the newcomer is told when to come back, and gets its answer then."""
    free, begun = threading.Event(), list[object]()

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        begun.append(scope)
        while not free.is_set():  # a model that takes its time
            await asyncio.sleep(0.01)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    app = create_app(Settings(home=tmp_path, open=True, max_connections=8))
    config = server_config(app, stop_s=1)
    config.app, config.port, config.lifespan = answer, 0, "off"
    server = uvicorn.Server(config)
    serving = threading.Thread(target=server.run)
    serving.start()
    try:
        wait_until(lambda: server.started)
        address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        get = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
        with ExitStack() as stack:
            held = [stack.enter_context(connect(address, get)) for _ in range(8)]
            wait_until(lambda: len(begun) == 8)
            for _ in range(2):
                with connect(address) as newcomer:
                    content = b"".join(iter(lambda: newcomer.recv(1000), b""))
                    assert content.startswith(b"HTTP/1.1 503 ")
                    assert b"Retry-After: 1" in content
            free.set()
            assert {connection.recv(12) for connection in held} == {b"HTTP/1.1 204"}
            with connect(address, get) as newcomer:  # those who were answered are silent now, and the first gives way
                assert newcomer.recv(12) == b"HTTP/1.1 204"
    finally:
        free.set()
        server.should_exit = True
        serving.join()
