"""Sessions of people who logged in at the gateway with their key: random ids, of which only the digest is remembered.

A session is as good as its key and ends with it. Sessions live in this process alone, so none survives a restart. Add
here another reason why one ends; the form is `gateway/routes/login.py`, the cookie `gateway/routes/browser_auth.py`.
"""

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ratchet.core.digests import digest_bytes
from ratchet.storage.keys.api_keys import Key

LASTS_S = 8 * 3600
MAX_OF_KEY = 20
"""Sessions of one key at a time; one more ends the oldest."""


@dataclass
class Sessions:
    """Open sessions by the digest of their id. Used by one event loop."""

    lasts_s: float = LASTS_S
    clock_s: Callable[[], float] = time.monotonic
    _open: OrderedDict[str, tuple[Key, float]] = field(default_factory=OrderedDict)
    """Key at the login, and the time at which the session ends."""

    def begin(self, key: Key) -> str:
        """Open a session of `key` and return its id: 256 random bits, which are kept nowhere."""
        self._forget_ended()
        mine = [digest for digest, (held, _) in self._open.items() if held.name == key.name]
        for digest in mine[: max(0, len(mine) - MAX_OF_KEY + 1)]:
            del self._open[digest]
        session = secrets.token_urlsafe(32)
        self._open[_digest(session)] = key, self.clock_s() + self.lasts_s
        return session

    def find(self, session: str, keys: Sequence[Key]) -> Key | None:
        """Return the key of a session; None if it ended, or if its key is not among `keys` as it was at the login.

        A key that was revoked, replaced or given other scopes, or that has expired, ends its sessions for good.
        """
        digest = _digest(session)
        held = self._open.get(digest)
        if held is None:
            return None
        key, ends_s = held
        if self.clock_s() >= ends_s or key not in keys or key.is_expired(datetime.now(UTC)):
            del self._open[digest]
            return None
        return key

    def end(self, session: str) -> None:
        """Close a session, if it is open."""
        self._open.pop(_digest(session), None)

    def _forget_ended(self) -> None:
        now_s = self.clock_s()
        for digest in [digest for digest, (_, ends_s) in self._open.items() if now_s >= ends_s]:
            del self._open[digest]


def _digest(session: str) -> str:
    return digest_bytes(session.encode("utf-8", "replace"))
