"""Work that runs after the response was sent, so that no client waits for it.

Add nothing here; the work itself is chosen where the answer is made.
"""

from collections.abc import Callable

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

_KEY = "ratchet.afterwards"


class BackgroundMiddleware:
    """ASGI middleware that runs the callbacks of a request on the event loop, after its last byte was handed on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request, then run its callbacks."""
        scope[_KEY] = []
        await self._app(scope, receive, send)
        for callback in scope[_KEY]:
            callback()


def run_after_response(request: Request, callback: Callable[[], None]) -> None:
    """Run `callback`, which must return at once and raise nothing, after this request was answered."""
    request.scope[_KEY].append(callback)
