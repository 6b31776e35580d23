"""What is done once the answer has left: nobody waits for it.

Add nothing here; what is done afterwards is said where the answer is made.
"""

from collections.abc import Callable

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

_KEY = "ratchet.afterwards"


class BackgroundMiddleware:
    """ASGI middleware that runs what a request left to be done, on the event loop, after its last byte was handed
    on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, then do the rest."""
        scope[_KEY] = []
        await self._app(scope, receive, send)
        for each in scope[_KEY]:
            each()


def run_after_response(request: Request, what: Callable[[], None]) -> None:
    """Run `what`, which must return at once and raise nothing, after this request was answered."""
    request.scope[_KEY].append(what)
