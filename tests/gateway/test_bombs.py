"""T14: bombs over a real socket. Whatever is thrown, the next client is answered, and memory stays where it was."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import ModuleType

import httpx
import psutil
import pytest
import uvicorn

import gateway.server
from gateway.app import create_app
from gateway.settings import Settings
from ratchet.storage.home import Home

MIB = 2**20
POST = b"POST /v1/classifiers/small HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.fixture
def listen(home: Home, kept_logging: None) -> Iterator[Callable[[ModuleType], int]]:
    """Start a gateway behind the real HTTP server, as the given module configures it; its port."""
    running = []

    def start(module: ModuleType) -> int:
        listening = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(
            module.server_config(create_app(Settings(home=home.root, open=True, ballast_bytes=0)), stop_s=1)
        )
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])))
        thread.start()
        running.append((server, thread, listening))
        return int(listening.getsockname()[1])

    yield start
    for server, thread, listening in running:
        server.should_exit = True
        thread.join()
        listening.close()


def throw(port: int, *parts: bytes) -> bytes:
    """The first bytes of the reply to raw bytes; a connection that is closed meanwhile is a reply too."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        try:
            for part in parts:
                connection.sendall(part)
            return connection.recv(100)
        except (ConnectionResetError, BrokenPipeError):
            return b""


def chunked(total: int) -> Iterator[bytes]:
    """A body of `total` bytes in chunks, without its end."""
    yield POST + b"Transfer-Encoding: chunked\r\n\r\n"
    for _ in range(total // 65536):
        yield b"10000\r\n" + b"a" * 65536 + b"\r\n"


BOMBS: dict[str, Callable[[], Iterator[bytes]]] = {
    "a header of 16 MB": lambda: iter([POST, *[b"X: " + b"a" * MIB for _ in range(16)]]),
    "50,000 headers": lambda: iter([POST, b"".join(b"X-%d: a\r\n" % n for n in range(50_000)), b"\r\n"]),
    "a path of 1 MB": lambda: iter([b"GET /" + b"a" * MIB + b" HTTP/1.1\r\n\r\n"]),
    "64 MB in chunks": lambda: chunked(64 * MIB),
    "a length that is never sent in full": lambda: iter([POST + b"Content-Length: 99999999\r\n\r\n", b"a" * 100_000]),
    "two lengths": lambda: iter([POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n", b"{}{}{}"]),
    "length and chunks": lambda: iter([POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", b"zz\r\n"]),
    "no HTTP": lambda: iter([b"\x16\x03\x01\x02\x00" + b"\x00" * 1000]),
    "a chunk of a size that is no number": lambda: iter([POST + b"Transfer-Encoding: chunked\r\n\r\n", b"-1\r\n"]),
    "a header that folds": lambda: iter([POST + b"X: a\r\n b\r\nContent-Length: 2\r\n\r\n{}"]),
}


def test_bombs_are_refused_and_the_next_client_is_answered(listen: Callable[[ModuleType], int]) -> None:
    """Each bomb gets 4xx or a closed connection; 300 silent connections hold up nobody; memory grows by less than 100
    MB."""
    port, body = listen(gateway.server), {"text": "money back"}
    url = f"http://127.0.0.1:{port}/v1/classifiers/small"
    with httpx.Client(timeout=30) as client, ExitStack() as opened:
        assert client.post(url, json=body).status_code == 200
        process = psutil.Process()
        before = process.memory_info().rss
        idle = [opened.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(300)]
        for connection in idle:
            connection.sendall(POST)
        for what, parts in BOMBS.items():
            said = throw(port, *parts())
            assert said[:10] in {b"", b"HTTP/1.1 4"}, what
            assert client.post(url, json=body).status_code == 200, what
        assert process.memory_info().rss - before < 100 * MIB


def test_a_server_that_gathers_any_header_is_caught(
    listen: Callable[[ModuleType], int], plant: Callable[..., ModuleType]
) -> None:
    """Mutant: another parser answers a request with a header of a megabyte."""
    request = [POST, b"X: " + b"a" * MIB + b"\r\n", b'Content-Length: 13\r\n\r\n{"text": "a"}']
    assert throw(listen(gateway.server), *request)[:10] in {b"", b"HTTP/1.1 4"}
    lax = plant(gateway.server, "http=partial(Connection, limits=limits)", 'http="httptools"')
    assert throw(listen(lax), *request).startswith(b"HTTP/1.1 200")
