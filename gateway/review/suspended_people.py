"""People whose answers the gateway refuses, since they are suspended: read from the signed file when it changes.

Add here another reason for which a person's answers are refused; who is suspended is decided by `ratchet people`.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.errors import RequestError
from ratchet.config.people import People
from ratchet.core.errors import RatchetError
from ratchet.review.suspension import names_of
from ratchet.storage.home import Home
from ratchet.storage.review.suspensions import Suspensions

_LOG = logging.getLogger("ratchet.gateway")
_State = tuple[int, int, int]


@dataclass
class SuspendedPeople:
    """The suspended names of each classifier. Used by several threads."""

    home: Home
    people: Callable[[str], People]
    """`[people]` of a classifier as it serves."""
    _known: dict[str, tuple[_State | None, frozenset[str]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self, classifier: str, person: str) -> None:
        """Raise `RequestError` for a person who is suspended."""
        names = self._read(classifier)
        if names and names_of(person, names, self.people(classifier)):
            raise RequestError(
                403,
                "suspended",
                "Labels of this person are not taken: the owner of the classifier suspended them.",
                "Nothing was stored. Ask the owner for the reason.",
            )

    def _read(self, classifier: str) -> frozenset[str]:
        """Return the suspended names. While the file cannot be believed the last ones stay: a cycle counts no label
        then, so none may be lost here."""
        suspensions = Suspensions(self.home, classifier)
        with self._lock:
            before, names = self._known.get(classifier, (None, frozenset()))
            try:
                found = suspensions.file.path.stat()
                state = found.st_mtime_ns, found.st_size, found.st_ino
                if state != before:
                    names = frozenset(suspensions.standing())
            except FileNotFoundError:
                state, names = None, frozenset()
            except (RatchetError, OSError) as error:
                _LOG.warning("who is suspended cannot be read; the last ones stay: %s", error)
                return names
            self._known[classifier] = state, names
            return names
