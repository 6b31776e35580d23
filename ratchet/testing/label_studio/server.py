"""Server of the local Label Studio: answers the review's client from contents in memory. For tests.

    with LocalLabelStudio() as studio:
        studio.people.annotate(user, task, "refund")

Add the effect of a fault to `_meet`; routes are in `routes.py`.
"""

import json
import re
import threading
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from ratchet.testing.label_studio.contents import LocalContents
from ratchet.testing.label_studio.routes import answer_route
from ratchet.testing.loopback_server import LoopbackHandler, LoopbackServer

TOKEN = "0123456789abcdef0123456789abcdef01234567"  # noqa: S105 - a constant of tests
"""Token of the local server; a constant, since it protects nothing."""
PERSONAL = "header.refresh.signature"
"""Personal access token: a client exchanges it for one that lasts minutes."""


@dataclass(frozen=True)
class StudioFault:
    """Fault of one request whose method and path match `route`, after `skip` others that do.

    `refuse`: nothing is done, the response is `status`. `lose`: it is done, but the response is `status`. `hang`: it is
    done, and no response comes. `drop`: it is done, and the connection ends. `garble`: the response is not JSON.
    `redirect`: the response points elsewhere. `halve`: only the first half of what is sent is taken, then `status`.
    """

    route: str
    kind: Literal["refuse", "lose", "hang", "drop", "garble", "redirect", "halve"]
    status: int = 500
    skip: int = 0


class LocalLabelStudio:
    """Label Studio that serves at `url` inside `with`; tests may read its requests, and work as its people."""

    def __init__(self) -> None:
        self.people = LocalContents()
        self.requests: list[str] = []
        self.faults: list[StudioFault] = []
        self.lock = threading.RLock()
        self._server = _Server(_Handler)
        self._server.studio = self
        self.url = self._server.url

    def __enter__(self) -> "LocalLabelStudio":
        self._server.begin()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.end()

    def next_fault(self, route: str) -> StudioFault | None:
        """Take the fault of this request; None for no fault."""
        for number, fault in enumerate(self.faults):
            if re.fullmatch(fault.route, route) is None:
                continue
            if fault.skip:
                self.faults[number] = StudioFault(fault.route, fault.kind, fault.status, fault.skip - 1)
                return None
            return self.faults.pop(number)
        return None


class _Server(LoopbackServer):
    studio: LocalLabelStudio


class _Handler(LoopbackHandler):
    server: _Server

    def respond(self) -> None:
        """Answer a request by its route."""
        studio, split = self.server.studio, urlsplit(self.path)
        route = f"{self.command} {split.path}"
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        content = json.loads(body) if body else None
        query = {key: values[0] for key, values in parse_qs(split.query).items()}
        with studio.lock:
            studio.requests.append(route)
            fault = studio.next_fault(route)
        self._meet(route, query, content, fault)

    do_GET = do_POST = do_PATCH = do_DELETE = respond  # noqa: N815 - the library's names

    def _meet(self, route: str, query: dict[str, str], content: Any, fault: StudioFault | None) -> None:
        studio, kind = self.server.studio, fault.kind if fault else ""
        if fault and kind == "refuse":
            return self._send(fault.status, {"detail": "planted"})
        if kind == "redirect":
            return self._send(302, {}, location=f"{studio.url}/elsewhere")
        if kind == "halve":
            content = content[: len(content) // 2]
        with studio.lock:
            status, answer = self._authorized(route, query, content)
        if kind == "hang":
            self.server.closing.wait()
        if kind in {"hang", "drop"}:
            self.close_connection = True
            return None
        if fault and kind in {"lose", "halve"}:
            return self._send(fault.status, {"detail": "planted"})
        return self._send(status, answer, garbled=kind == "garble")

    def _authorized(self, route: str, query: dict[str, str], content: Any) -> tuple[int, Any]:
        if route == "POST /api/token/refresh":
            return (200, {"access": "short.lived.token"}) if content == {"refresh": PERSONAL} else (401, {})
        if self.headers.get("Authorization") not in {f"Token {TOKEN}", "Bearer short.lived.token"}:
            return 401, {"detail": "Invalid token."}
        return answer_route(self.server.studio.people, route, query, content)

    def _send(self, status: int, content: Any, *, location: str = "", garbled: bool = False) -> None:
        data = b"<html>" if garbled else b"" if content is None else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(data)
