"""Guard in front of an application: which requests and websockets it never sees, on whatever route.

Shared by the gateway and Dagster's webserver (`orchestration/webserver.py`). Add here what must hold for every route;
the rules about pages of other sites are in `ratchet/core/request_source.py`, keys in `gateway/routes/auth.py`.
"""

from collections.abc import Callable
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.errors import RequestError
from ratchet.core.request_source import (
    Destination,
    Headers,
    came_through_proxy,
    has_foreign_host,
    has_foreign_origin,
)

PROBES = frozenset({"/healthz", "/readyz"})
"""Routes that answer by any name: orchestrators ask them by address."""
WILDCARDS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - they mean every address, and name none
Answerer = Callable[[Scope, RequestError], Response]
Rule = Callable[[Scope, Headers], RequestError | None]


def answer_json(scope: Scope, error: RequestError) -> Response:
    """Return a request error as the gateway's own JSON."""
    return JSONResponse({"error": error.problem.model_dump()}, error.status)


class RequestGuard:
    """ASGI middleware that refuses requests and websockets of other sites, and requests with two lengths.

    `names` are names of the server besides loopback, the address of the connection and `host`, on which it was set to
    listen; `rules` are further rules of one application; `proxied=False` refuses what a proxy passes on.
    """

    def __init__(
        self,
        app: ASGIApp,
        names: frozenset[str] = frozenset(),
        *,
        host: str = "127.0.0.1",
        answer: Answerer = answer_json,
        proxied: bool = True,
        rules: tuple[Rule, ...] = (),
    ) -> None:
        self._app, self._names, self._answer, self._proxied, self._rules = app, names, answer, proxied, rules
        self._hosts = frozenset({host}) - WILDCARDS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it with a 4xx; a refused websocket is closed before it opens, which is 403."""
        error = self._find_error(scope) if scope["type"] in {"http", "websocket"} else None
        if error is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": error.problem.code})
        else:
            await self._answer(scope, error)(scope, receive, send)

    def _find_error(self, scope: Scope) -> RequestError | None:
        headers = read_headers(scope)
        if "transfer-encoding" in headers and "content-length" in headers:
            # a proxy in front may believe the other one, and take the rest of this body for the next request
            return RequestError(400, "two_lengths", "The request has two lengths.", "Send Content-Length alone.")
        if not self._proxied and came_through_proxy(headers):
            return RequestError(
                403,
                "open_behind_proxy",
                "This gateway runs without keys, and a proxy passed the request on.",
                "Make a key with 'ratchet key', and start 'ratchet serve' without --open.",
            )
        server = scope.get("server") or ("", None)
        destination = Destination(self._hosts | {str(server[0])}, self._names)
        if scope["path"] not in PROBES and has_foreign_host(headers, destination):
            return RequestError(
                403,
                "other_host",
                "The Host header names another server.",
                "Use the address that the server listens on, or list the name in RATCHET_GATEWAY_HOSTS.",
            )
        if has_foreign_origin(headers, scope.get("method", "GET"), destination):
            return RequestError(
                403, "other_site", "A page of another site sent the request.", "Open the server's own page."
            )
        return next((error for rule in self._rules if (error := rule(scope, headers))), None)


def read_headers(scope: Scope) -> dict[str, list[str]]:
    """Return the values of each header, by lower-case name."""
    found: dict[str, list[str]] = {}
    pairs: list[tuple[Any, Any]] = scope["headers"]
    for name, value in pairs:
        found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1").strip())
    return found
