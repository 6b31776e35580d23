"""Access control: which key may call a route, and how often. A home without keys is served on loopback only (`app.py`).

Add here other ways to authenticate; the keys themselves are in `ratchet/storage/api_keys.py`.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from fastapi import Request

from gateway.errors import RequestError
from ratchet.storage.api_keys import Key, match_key


@dataclass(frozen=True)
class Caller:
    """Caller of a route: the name of its key, and if it may do everything. Without keys, anyone on this machine."""

    name: str = ""
    admin: bool = True


@dataclass
class Access:
    """Keys of a home, and the calls that each has left this minute."""

    keys: tuple[Key, ...]
    _left: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Calls left and the time of that count (monotonic seconds), by key."""

    def check(self, header: str | None, scope: str, now_s: float | None = None) -> Caller:
        """Return the caller; raises `RequestError` if the home has keys and `header` holds none with `scope`."""
        if not self.keys:
            return Caller()
        kind, _, secret = (header or "").partition(" ")
        key = match_key(self.keys, secret.strip()) if kind.lower() == "bearer" else None
        if key is None:
            raise RequestError(
                401, "no_key", "No valid key came with the request.", "Send 'Authorization: Bearer KEY'."
            )
        if scope not in key.scopes and "admin" not in key.scopes:
            raise RequestError(
                403,
                "no_scope",
                f"The key may not do this: scope {scope!r} is missing.",
                "Ask for a key with that scope.",
            )
        self._count(key, time.monotonic() if now_s is None else now_s)
        return Caller(key.name, "admin" in key.scopes)

    def _count(self, key: Key, now_s: float) -> None:
        if key.per_minute == 0:
            return
        left, counted_s = self._left.get(key.name, (float(key.per_minute), now_s))
        left = min(float(key.per_minute), left + (now_s - counted_s) * key.per_minute / 60)
        if left < 1:
            self._left[key.name] = (left, now_s)
            raise RequestError(
                429, "rate_limit", f"More than {key.per_minute} requests a minute.", "Wait a moment.", retry_s=1
            )
        self._left[key.name] = (left - 1, now_s)


def need(scope: str) -> Callable[[Request], None]:
    """Return a dependency that requires `scope`; a test calls every route with every scope."""

    def check(request: Request) -> None:
        request.state.caller = request.app.state.access.check(request.headers.get("authorization"), scope)

    return check


def caller_of(request: Request) -> Caller:
    """Return the caller of a route that requires a scope."""
    return cast(Caller, request.state.caller)
