"""Review queues of a home, each opened once for all requests of the gateway.

`classifier.toml` is read again when it changes, since a label that was added is asked for before any adapter knows it.
Add here what is kept open for reviewing; the queue itself is `ratchet/workflows/review/queue.py`.
"""

import logging
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from gateway.errors import RequestError
from gateway.serving.slots import Slots
from ratchet.config.spec import Spec
from ratchet.core.errors import RatchetError
from ratchet.review.guide import Guide
from ratchet.storage.review.guide_file import read_guide
from ratchet.storage.specs import Specs
from ratchet.workflows.review.queue import ReviewQueue

_LOG = logging.getLogger("ratchet.gateway")
Stamp = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class OpenQueue:
    """Queue of one classifier, with the specification and the guide that were read with it."""

    spec: Spec
    queue: ReviewQueue
    guide: Guide
    stamp: Stamp


@dataclass
class Queues:
    """Open queues by classifier; its methods may be called from any thread."""

    slots: Slots
    clock: Callable[[], datetime]
    _open: dict[str, OpenQueue] = field(default_factory=dict)
    _replaced: dict[str, OpenQueue] = field(default_factory=dict)
    """Queue of before the last change of a specification: a request may still use it."""
    _locks: dict[str, threading.Lock] = field(default_factory=dict)
    """By classifier: the first look at a large queue takes seconds, and nobody else waits for it."""

    def open(self, name: str) -> OpenQueue:
        """Return the queue of a classifier of this home; raises `RequestError` where there is none or it is broken."""
        home = self.slots.home
        if name not in home.served():
            raise RequestError(
                404, "no_classifier", "Unknown classifier.", f"Classifiers: {', '.join(home.served()) or 'none'}."
            )
        with self._locks.setdefault(name, threading.Lock()):
            stamp, before = self._stamp(name), self._open.get(name)
            if before is not None and before.stamp == stamp and before.queue.index.is_in_place:
                return before
            spec = self._spec(name, before)
            try:
                queue = ReviewQueue.open(home, name, spec, writer="gateway", clock=self.clock)
            except (sqlite3.Error, OSError) as error:
                raise unusable(name, error) from None
            if name in self._replaced:
                self._replaced.pop(name).queue.close()
            if before is not None:
                self._replaced[name] = before
            self._open[name] = OpenQueue(spec, queue, read_guide(home, spec), stamp)
            return self._open[name]

    def close(self) -> None:
        """Close every queue; no request may be in flight any more."""
        for each in (*self._open.values(), *self._replaced.values()):
            each.queue.close()
        self._open.clear()
        self._replaced.clear()

    def is_compared(self, name: str) -> bool:
        """Return True while a candidate is compared with live: their disagreements are asked first then."""
        return name in self.slots and len(self.slots[name].rollout.adapters) > 1

    def _spec(self, name: str, before: OpenQueue | None) -> Spec:
        try:
            return Specs(self.slots.home)[name]
        except (RatchetError, OSError) as error:
            if before is not None:
                return before.spec
            if name in self.slots:
                return self.slots[name].spec
            _LOG.error("classifier %s: %s", name, error)
            raise RequestError(
                503, "bad_spec", "The specification of this classifier cannot be read.", "The gateway's log shows why."
            ) from None

    def _stamp(self, name: str) -> Stamp:
        home = self.slots.home
        result = []
        rules = [home.review(name) / f"{each}.jsonl" for each in ("suspensions", "label_rules")]
        for path in (home.spec(name), home.guide(name), home.golden(name), *rules):
            try:
                stat = path.stat()
                result.append((stat.st_mtime_ns, stat.st_size, stat.st_ino))
            except OSError:
                result.append((0, 0, 0))
        return tuple(result)


def unusable(name: str, error: Exception) -> RequestError:
    """Return the error of a queue that cannot be read or written, which the log describes."""
    _LOG.error("the review queue of classifier %s cannot be used: %s: %s", name, type(error).__name__, error)
    full = isinstance(error, sqlite3.Error) and "full" in str(error)
    if full or isinstance(error, OSError):
        return RequestError(507, "disk", "It could not be written to disk.", "Send it again later.", retry_s=5)
    return RequestError(503, "queue", "The review queue cannot be used now.", "Send it again later.", retry_s=5)
