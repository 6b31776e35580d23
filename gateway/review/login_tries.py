"""Tries to log in: five a minute from one address and with one beginning of a key, so that nobody guesses.

Add here another way to name who tries; the login itself is `gateway/routes/login.py`.
"""

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

TRIES, WITHIN_S = 5, 60.0
PREFIX_CHARS = 8
"""Characters of what was typed that are remembered for a minute: `rk_` and five more."""
REMEMBERED = 10_000


@dataclass
class LoginTries:
    """Times of the failed tries of the last minute, by name. Used by one event loop."""

    clock_s: Callable[[], float] = time.monotonic
    _failed: OrderedDict[str, deque[float]] = field(default_factory=OrderedDict)

    def wait_s(self, names: Sequence[str]) -> int:
        """Return the whole seconds until all of `names` may try again; 0 for now."""
        now_s = self.clock_s()
        waits = [0.0]
        for name in names:
            failed = self._failed.get(name, deque())
            while failed and failed[0] <= now_s - WITHIN_S:
                failed.popleft()
            if len(failed) >= TRIES:
                waits.append(failed[-TRIES] + WITHIN_S - now_s)
        return -int(-max(waits) // 1)

    def note_failure(self, names: Sequence[str]) -> None:
        """Count a failed try of each of `names`; the names that have failed least recently are forgotten first."""
        for name in names:
            self._failed.setdefault(name, deque(maxlen=TRIES)).append(self.clock_s())
            self._failed.move_to_end(name)
        while len(self._failed) > REMEMBERED:
            self._failed.popitem(last=False)


def names_of_try(address: str, typed: str) -> tuple[str, str]:
    """Return the names under which one try counts: where it came from, and how the typed key begins."""
    return f"address {address}", f"key {typed[:PREFIX_CHARS]}"
