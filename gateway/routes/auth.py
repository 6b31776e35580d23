"""Access control: which key may call a route, how often, and for whom it speaks. Keys are followed while they change.

Add here other ways to authenticate; the keys themselves are in `ratchet/storage/keys/api_keys.py`.
"""

import getpass
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from fastapi import Request

from gateway.errors import RequestError
from ratchet.core.errors import RatchetError
from ratchet.core.person_names import BadNameError, normalise_name
from ratchet.storage.keys.api_keys import Key, Keys, match_key


@dataclass(frozen=True)
class Caller:
    """Caller of a route: the name of its key, if it may do everything, and whose corrections it may bring.

    On an open home it is this machine's user. `person` is the holder of the key, `blind` if its annotators see no
    predictions.
    """

    name: str
    admin: bool
    person: str = ""
    may_speak_for: tuple[str, ...] = ()
    blind: bool = False
    scopes: frozenset[str] = frozenset()

    def speaks_for(self, person: str) -> bool:
        """Return True where this caller may correct as `person`."""
        return person == self.person or person in self.may_speak_for


@dataclass
class Access:
    """Keys of a home, and the texts that each has left this minute."""

    keys: tuple[Key, ...]
    open: bool = False
    """True if the operator serves a home without keys; ends as soon as there is a key."""
    problem: str = ""
    """Sentence that says why the keys of the file are not followed; the last ones that could be read stay."""
    _left: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Calls left and the time of that count (monotonic seconds), by key."""
    _seen: tuple[int, ...] = ()

    def follow(self, path: Path) -> None:
        """Take over the keys at `path` if the file changed. A lost or damaged file changes nothing: it opens nothing.

        A home that was open when the gateway started is closed by its first key.
        """
        try:
            stat = path.stat()
            seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if seen != self._seen:
                self.keys, self._seen = Keys(path).read(), seen
                self.open = self.open and not self.keys  # for good: a home whose keys are all revoked is closed
            self.problem = ""
        except FileNotFoundError:
            self.problem = "" if self.open else "keys.json is gone; the last keys stay in force."
        except (RatchetError, OSError):
            self.problem = "keys.json cannot be read; the last keys stay in force."

    def check(self, header: str | None, scope: str, now_s: float | None = None) -> Caller:
        """Return the caller; raises `RequestError` if `header` holds no key with `scope`, unless the home is open."""
        if self.unlocked:
            return owner_of_machine()
        kind, _, secret = (header or "").partition(" ")
        key = match_key(self.keys, secret.strip()) if kind.lower() == "bearer" else None
        if key is None:
            raise RequestError(
                401, "no_key", "No valid key came with the request.", "Send 'Authorization: Bearer KEY'."
            )
        return self.admit(key, scope, now_s)

    def admit(self, key: Key, scope: str, now_s: float | None = None) -> Caller:
        """Return the caller that holds `key`; raises `RequestError` if it has expired, lacks `scope` or must wait."""
        if key.is_expired(datetime.now(UTC)):
            raise RequestError(401, "no_key", "The key has expired.", "Ask for a new key.")
        if scope not in key.scopes and "admin" not in key.scopes:
            raise RequestError(
                403,
                "no_scope",
                f"The key may not do this: scope {scope!r} is missing.",
                "Ask for a key with that scope.",
            )
        self._count(key, time.monotonic() if now_s is None else now_s)
        return Caller(key.name, "admin" in key.scopes, key.person, key.may_speak_for, key.blind, frozenset(key.scopes))

    @property
    def unlocked(self) -> bool:
        """True where no key is needed."""
        return self.open and not self.keys

    def charge(self, caller: str, texts: int, now_s: float | None = None) -> None:
        """Count `texts` more of a key, which may go into debt: the next request waits until it is paid.

        Raises `RequestError` if it is in debt already, by requests that came in at the same time.
        """
        key = next((key for key in self.keys if key.name == caller), None)
        if texts and key is not None:
            self._count(key, time.monotonic() if now_s is None else now_s, texts, least=0)

    def _count(self, key: Key, now_s: float, texts: int = 1, least: int = 1) -> None:
        if key.per_minute == 0:
            return
        left, counted_s = self._left.get(key.name, (float(key.per_minute), now_s))
        left = min(float(key.per_minute), left + (now_s - counted_s) * key.per_minute / 60)
        if left < least:
            self._left[key.name] = (left, now_s)
            message = f"More than {key.per_minute} texts or other requests a minute."
            owed_s = math.ceil(-left * 60 / key.per_minute)
            raise RequestError(429, "rate_limit", message, "Wait a moment.", retry_s=max(1, owed_s))
        self._left[key.name] = (left - texts, now_s)


def owner_of_machine() -> Caller:
    """Return the caller of an open home: this machine's user, who may do everything."""
    return Caller(local_user(), admin=True, person=user_of_machine(), scopes=frozenset({"admin"}))


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


def user_of_machine() -> str:
    """Return `local_user` in the one form of names: the person who corrects on an open home."""
    try:
        return normalise_name(local_user())
    except BadNameError:
        return "local"
