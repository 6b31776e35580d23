"""Fake receiver of alerts on loopback: takes apprise's `json://` messages and the requests of a dead-man's ping.

Add here another answer that a receiver may give.
"""

import json
import threading
from typing import Any

from ratchet.testing.loopback_server import LoopbackHandler, LoopbackServer


class AlertReceiver(LoopbackServer):
    """Receiver that keeps what it took, in order."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.pings: list[str] = []
        self.status = 200
        """Status of its answers; 0 never answers."""
        self.asked = threading.Event()
        """Set by the first request, before it is answered."""
        super().__init__(_Handler)

    @property
    def address(self) -> str:
        """Address of this receiver, as apprise writes it."""
        return f"json://127.0.0.1:{self.server_port}/hook"

    def ids(self) -> list[str]:
        """List the id of each message that was taken, in order."""
        return [line.removeprefix("id ") for each in self.messages for line in [each["message"].splitlines()[-1]]]

    def __enter__(self) -> "AlertReceiver":
        """Serve within `with`."""
        self.begin()
        return self

    def __exit__(self, *_: object) -> None:
        """Close every connection."""
        self.end()


class _Handler(LoopbackHandler):
    server: AlertReceiver

    def do_POST(self) -> None:  # noqa: N802 - the library's name
        """Take a message."""
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(lambda: self.server.messages.append(json.loads(content)))

    def do_GET(self) -> None:  # noqa: N802 - the library's name
        """Take a ping."""
        self._answer(lambda: self.server.pings.append(self.path))

    def _answer(self, take: Any) -> None:
        self.server.asked.set()
        if self.server.status == 0:
            self.server.closing.wait()
            return
        if self.server.status < 300:
            take()
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()
