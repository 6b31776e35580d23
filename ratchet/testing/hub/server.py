"""Server of the local Hub: answers `huggingface_hub` from repositories in memory. For tests and dry runs.

    with LocalHub() as hub:
        sha = hub.push("org/name", {"config.json": b"{}"}).oid
        subprocess.run(..., env={**os.environ, **hub.environment})

Add here how requests are received and answered, and the effects of faults; routes are in `routes.py`, repositories in
`repository.py`, kinds of faults in `faults.py`.
"""

import json
import re
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from ratchet.testing.hub.faults import Fault, FaultPlan
from ratchet.testing.hub.repository import Commit, HubState, RefusedError, Repository
from ratchet.testing.hub.routes import ROUTES, HubRequest, RouteResponse
from ratchet.testing.loopback_server import LoopbackHandler, LoopbackServer

TOKEN = "hf_" + "LocalHubToken0123456789abcdefghij"
"""Token of the local Hub; a constant, since it protects nothing."""
_REPO = r"(?P<repo>[\w.-]+(?:/[\w.-]+)?)"


class LocalHub(HubState):
    """Hub that serves at `endpoint` inside `with`; tests may read its repositories, requests and faults."""

    def __init__(self, *, token: str = TOKEN, large_files: bool = False, port: int = 0) -> None:
        self.requests: list[tuple[str, str]] = []
        """Method and path of each request, in the order of arrival."""
        self.faults = FaultPlan()
        self.lock = threading.RLock()
        self._server = _Server(_Handler, port)
        super().__init__(token, self._server.url, large_files)
        self._server.hub = self

    @property
    def environment(self) -> dict[str, str]:
        """Environment of a client process; `huggingface_hub` reads it when it is imported."""
        return {"HF_ENDPOINT": self.endpoint, "HF_TOKEN": self.token, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}

    def push(
        self, name: str, files: Mapping[str, bytes] | Path, *, private: bool = False, title: str = "pushed"
    ) -> Commit:
        """Commit files (a mapping, or a folder) without HTTP, as another user would; creates a missing repository."""
        if isinstance(files, Path):
            files = {
                path.relative_to(files).as_posix(): path.read_bytes() for path in files.rglob("*") if path.is_file()
            }
        with self.lock:
            repository = self.repositories.setdefault(name, Repository(name, private))
            return repository.commit(files, title=title)

    def fail(self, *faults: Fault) -> None:
        """Plant faults, which occur in this order."""
        with self.lock:
            self.faults.waiting.extend(faults)

    def __enter__(self) -> "LocalHub":
        self._server.begin()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.end()


class _Server(LoopbackServer):
    hub: LocalHub


class _Handler(LoopbackHandler):
    server: _Server

    def respond(self) -> None:
        """Answer a request by its route."""
        hub, split = self.server.hub, urlsplit(self.path)
        path, query = unquote(split.path), dict(parse_qsl(split.query))
        hub.requests.append((self.command, path))
        for method, pattern, operation, answer in ROUTES:
            if self.command in method.split("|") and (result := re.fullmatch(pattern.replace("{repo}", _REPO), path)):
                return self._meet(operation, answer, result.groupdict(), query)
        self._body()
        return self._send(404, {"error": "Not found"})

    do_GET = do_HEAD = do_POST = do_PUT = respond  # noqa: N815 - the library's names

    def _meet(
        self,
        operation: str,
        answer: Callable[[LocalHub, HubRequest], RouteResponse],
        place: dict[str, str],
        query: dict[str, str],
    ) -> None:
        hub = self.server.hub
        with hub.lock:
            fault = hub.faults.next(operation)
        kind = fault.kind if fault else ""
        if fault and kind == "cut":
            self.rfile.read(int(self.headers.get("Content-Length", 0)) // 2)
            return self._end()
        body = self._body()
        if fault and kind == "refuse":
            return self._send(fault.status, {"error": "planted"}, fault.headers)
        try:
            with hub.lock:
                if kind == "overtake":
                    hub.repositories[place["repo"]].commit({"OVERTAKEN.md": b"another's\n"}, title="another's")
                request = HubRequest(self.command, place, query, body, self.headers, halve=kind == "halve")
                status, content, headers = answer(hub, request)
        except RefusedError as refused:
            errors = {"X-Error-Message": refused.message, **({"X-Error-Code": refused.code} if refused.code else {})}
            return self._send(refused.status, {"error": refused.message}, errors)
        # from here on the request is done; these faults only lose its response
        if kind == "hang":
            self.server.closing.wait()
        if kind in {"hang", "drop"}:
            return self._end()
        if fault and (kind == "lose" or (kind == "halve" and operation == "commit")):
            return self._send(fault.status, {"error": "planted"}, fault.headers)
        return self._send(status, content, headers, halve=kind == "halve")

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _end(self) -> None:
        self.close_connection = True

    def _send(
        self, status: int, content: Any, headers: Mapping[str, str] | None = None, *, halve: bool = False
    ) -> None:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            **(headers or {}),
            "Content-Length": str(len(data)),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data[: len(data) // 2] if halve else data)
        if halve:
            self._end()
