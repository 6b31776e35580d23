"""HTTP server on loopback that ends with all of its connections: under the local Hub and the local Label Studio.

Add here what such servers share; routes and faults are theirs.
"""

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class LoopbackServer(ThreadingHTTPServer):
    """Server that serves inside `with`; closing it waits for its threads, whose clients it cuts off."""

    daemon_threads = False  # so that closing waits for its threads

    def __init__(self, handler: type["LoopbackHandler"], port: int = 0) -> None:
        self.connections: set[socket.socket] = set()
        self.closing = threading.Event()
        """Set as soon as the server ends: a request that hangs waits for it."""
        super().__init__(("127.0.0.1", port), handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def begin(self) -> None:
        """Serve from now on, in a thread."""
        self._thread.start()

    def end(self) -> None:
        """Cut every connection, and return when no thread is left."""
        self.closing.set()
        self.shutdown()
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:  # it is closed already
                continue
        self.server_close()
        self._thread.join()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that have disconnected."""


class LoopbackHandler(BaseHTTPRequestHandler):
    """Connection of one client, which the server can cut; it prints nothing."""

    protocol_version = "HTTP/1.1"
    server: LoopbackServer

    def setup(self) -> None:
        """Let the server know the connection."""
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        """Let the server forget the connection."""
        self.server.connections.discard(self.connection)
        super().finish()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Print nothing."""
