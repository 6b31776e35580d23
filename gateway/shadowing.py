"""Shadowing: once the user has the answer, the rollout's second adapter answers too; both are stored as a pair.

A shadow has the lowest priority: under load it is dropped and counted, and live never waits. Add here what is compared;
the evidence from the pairs is `ratchet/rollout/evidence/counts.py`.
"""

import asyncio
import logging
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from gateway.label_meanings import means_same
from gateway.observability.metrics import Metrics
from gateway.review.feed import ReviewFeed
from gateway.row_log import PAIRS, RowLog
from gateway.serving.batching import Batcher
from gateway.serving.paths import PathAnswer, ask_calibrated, ask_paths
from gateway.serving.slots import SlotChoice, Slots
from ratchet.data.user_hmac import user_hmac
from ratchet.review.draw import EVIDENCE, draw
from ratchet.rollout.evidence.stream import DROPPED

_LOG = logging.getLogger("ratchet.gateway")
_FAULTS = 3
"""Failures in a row after which an adapter is no longer asked; its further requests count as failed."""


@dataclass
class Shadowing:
    """Shadow requests of one gateway, all of them on the event loop that answers."""

    slots: Slots
    batcher: Batcher
    landing: RowLog
    metrics: Metrics
    feed: ReviewFeed
    secret: bytes
    """Key of the draws and of the users' codes."""
    faults: dict[str, int] = field(default_factory=dict)
    """Failures in a row, by digest."""
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    def follow_up(
        self,
        classifier: str,
        served: SlotChoice,
        ids: Sequence[str],
        texts: Sequence[str],
        found: Sequence[PathAnswer],
        user: str = "",
    ) -> None:
        """Send an answered request to the second adapter as well, if the rollout samples it. Returns at once."""
        other = self.slots.other_than(classifier, served.digest)
        if other is None:
            return
        taken = [index for index, request_id in enumerate(ids) if is_sampled(request_id, other.share)]
        if taken and not self.batcher.has_room_for_shadow(len(taken)):  # at once: under load nearly all are dropped
            rows = [self._row(classifier, other.sequence, served, ids[index], found[index], user) for index in taken]
            self._note_dropped(classifier, other.choice.digest, rows)
        elif taken:
            task = asyncio.create_task(
                self._compare(classifier, served, other.choice, other.sequence, taken, ids, texts, found, user)
            )
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def note_failure(
        self,
        classifier: str,
        served: SlotChoice,
        ids: Sequence[str],
        found: Sequence[PathAnswer],
        failed: str,
        error: Exception,
        user: str = "",
    ) -> None:
        """Store a pair with an error: the candidate failed to answer a user, who got live's answer instead."""
        self._count_fault(failed, error)
        other = self.slots.other_than(classifier, served.digest)
        for index, request_id in enumerate(ids):
            row = self._row(classifier, other.sequence if other else 0, served, request_id, found[index], user)
            self._land(classifier, {**row, **_other(failed, error=type(error).__name__)})

    async def stop(self) -> None:
        """Wait for the shadows under way; the batcher drops those it has not begun."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _compare(
        self,
        classifier: str,
        served: SlotChoice,
        other: SlotChoice,
        sequence: int,
        taken: Sequence[int],
        ids: Sequence[str],
        texts: Sequence[str],
        found: Sequence[PathAnswer],
        user: str,
    ) -> None:
        rows = [self._row(classifier, sequence, served, ids[index], found[index], user) for index in taken]
        shadows: list[dict[str, Any]]
        if self.faults.get(other.digest, 0) >= _FAULTS:
            # No longer asked, and still counted as failed: giving up must not hide the failures.
            shadows = [_other(other.digest, error="given_up") for _ in taken]
        else:
            try:
                answered = await self._ask(other, [texts[index] for index in taken], edge=served.edge is not None)
            except Exception as error:  # noqa: BLE001 - a shadow may fail in any way, and is counted
                self._count_fault(other.digest, error)
                shadows = [_other(other.digest, error=type(error).__name__) for _ in taken]
            else:
                if answered is None:
                    self._note_dropped(classifier, other.digest, rows)
                    return
                self.faults.pop(other.digest, None)
                shadows = [_other(other.digest, each) for each in answered]
        for row, shadow in zip(rows, shadows, strict=True):
            one, two = (served, row["served_label"]), (other, shadow["other_label"])
            agreed = means_same(self.landing.home, classifier, one, two)
            self.metrics.shadow_pairs.labels(
                classifier, "error" if shadow["other_error"] else "same" if agreed else "other"
            ).inc()
            self._land(classifier, {**row, **shadow})
            if not agreed:
                self.feed.note_pair(classifier, served.spec, {**row, **shadow})

    async def _ask(self, other: SlotChoice, texts: Sequence[str], *, edge: bool) -> list[PathAnswer] | None:
        """Ask by the same paths as for the user, so that a pair compares adapters and not paths."""
        return await (ask_paths if edge else ask_calibrated)(self.batcher.offer_shadow, other, texts)

    def _row(
        self, classifier: str, sequence: int, served: SlotChoice, request_id: str, found: PathAnswer, user: str
    ) -> dict[str, Any]:
        """Return the half of a pair that the user saw, with the draw, which no answer decides."""
        return {
            "request_id": request_id,
            "ts": datetime.now(UTC).isoformat(),
            "sequence": sequence,
            "served": served.digest,
            "served_label": found.label,
            "served_confidence": found.confidence,
            "served_ms": found.seconds * 1000,
            "served_batch": found.together,
            "draw": draw(self.secret, EVIDENCE, request_id),
            "user_hmac": user_hmac(self.secret, classifier, user),
            "asked": None,
        }

    def _note_dropped(self, classifier: str, digest: str, rows: Sequence[dict[str, Any]]) -> None:
        """Count shadow work that was dropped under load, and keep which requests it was: the busiest hours would be
        missing from the evidence otherwise, and nobody would know."""
        self.metrics.shadow_dropped.labels(classifier).inc(len(rows))
        for row in rows:
            self._land(classifier, {**row, **_other(digest, error=DROPPED)})

    def _count_fault(self, digest: str, error: Exception) -> None:
        self.faults[digest] = self.faults.get(digest, 0) + 1
        _LOG.warning("adapter %s failed to answer: %s", digest[:12], type(error).__name__)

    def _land(self, classifier: str, row: dict[str, Any]) -> None:
        log_failures = self.metrics.log_failures.labels(classifier)
        try:
            done = self.landing.append(classifier, PAIRS, row)
        except OSError:
            log_failures.inc()
        else:
            done.add_done_callback(lambda future: log_failures.inc() if future.exception() else None)


def is_sampled(request_id: str, share: float) -> bool:
    """True where a request is in the `share` (0..1) that is shadowed; always the same for the same id."""
    return zlib.crc32(request_id.encode()) < share * 2**32


def _other(digest: str, found: PathAnswer | None = None, *, error: str | None = None) -> dict[str, Any]:
    return {
        "other": digest,
        "other_label": found.label if found else None,
        "other_confidence": found.confidence if found else None,
        "other_ms": found.seconds * 1000 if found else None,
        "other_batch": found.together if found else None,
        "other_error": error,
    }
