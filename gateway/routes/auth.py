"""Access control: which key may call a route, and how often. Without keys nobody may, unless the home is served open.

Add here other ways to authenticate; the keys themselves are in `ratchet/storage/api_keys.py`.
"""

import getpass
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from fastapi import Request

from gateway.errors import RequestError
from ratchet.storage.api_keys import Key, match_key


@dataclass(frozen=True)
class Caller:
    """Caller of a route: the name of its key, and if it may do everything. On an open home, this machine's user."""

    name: str
    admin: bool


@dataclass
class Access:
    """Keys of a home, and the texts that each has left this minute."""

    keys: tuple[Key, ...]
    open: bool = False
    """True if the operator serves a home without keys; ends as soon as there is a key."""
    _left: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Calls left and the time of that count (monotonic seconds), by key."""

    def check(self, header: str | None, scope: str, now_s: float | None = None) -> Caller:
        """Return the caller; raises `RequestError` if `header` holds no key with `scope`, unless the home is open."""
        if self.unlocked:
            return Caller(local_user(), admin=True)
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

    @property
    def unlocked(self) -> bool:
        """True where no key is needed."""
        return self.open and not self.keys

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


def local_user() -> str:
    """Return the name of the operating system's user that runs this process, or its number if it has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"


def need(scope: str) -> Callable[[Request], None]:
    """Return a dependency that requires `scope`; a test calls every route with every scope."""

    def check(request: Request) -> None:
        request.state.caller = request.app.state.access.check(request.headers.get("authorization"), scope)

    return check


def caller_of(request: Request) -> Caller:
    """Return the caller of a route that requires a scope."""
    return cast(Caller, request.state.caller)
