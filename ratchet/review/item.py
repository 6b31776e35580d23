"""Requests in the review queue, as callers queue them and as people see them.

Add here what a queued request carries; the rules on votes are `votes.py`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

RANDOM, VALUE, CHECK, ADJUDICATION, EVIDENCE = "random", "value", "check", "adjudication", "evidence"
"""Ways in which the queue chooses a request: drawn at random, for its value, as one that is agreed already, because two
labels of it differ, or of those that were drawn to compare a candidate with live."""


@dataclass(frozen=True)
class QueuedRequest:
    """One request, queued for one reason."""

    request_id: str
    reason: str
    ts: datetime
    """Time at which it was queued, aware."""
    text: str
    """Text as people shall see it: redacted, unless `[review]` says `raw`."""
    chosen: str = VALUE
    """`random` for a request drawn by a keyed hash, which judges and trains; `value` for one that only trains;
    `evidence` for one that trains, and judges the comparison that it was drawn for."""
    probability: float | None = None
    """Chance of being drawn, 0..1; None where no chance was in play."""
    slot: str = ""
    """Slot that answered: `live`, `shadow`, `candidate`, or empty."""
    value: float = 0.0
    """Worth of a label: higher comes first within a reason."""
    detail: str = ""
    """One sentence that says more about the reason."""

    def as_event(self) -> dict[str, Any]:
        """Return the line of the event log."""
        return {
            "event": "queued",
            "request_id": self.request_id,
            "reason": self.reason,
            "ts": self.ts.astimezone(UTC).isoformat(),
            "text": self.text,
            "chosen": self.chosen,
            "probability": self.probability,
            "slot": self.slot,
            "value": self.value,
            "detail": self.detail,
        }


@dataclass(frozen=True)
class ReviewItem:
    """One request in front of a person. The model's answer is not there."""

    request_id: str
    batch: str
    text: str
    reasons: tuple[str, ...]
    """Meanings of the reasons, empty for an item whose reason would tell an answer."""
    position: int
    of: int
    conflict: tuple[tuple[str, str], ...] = ()
    """Labels that were given, each with its note; the people are not named."""


@dataclass(frozen=True)
class BatchItem:
    """One request of a batch that leaves for another tool, and how the queue chose it."""

    request_id: str
    batch: str
    text: str
    chosen: str


@dataclass(frozen=True)
class WaitingReason:
    """Number of requests that wait for one reason, and the time of the oldest."""

    reason: str
    items: int
    oldest: datetime


@dataclass(frozen=True)
class ReviewResult:
    """Outcome of a batch: shown after its last item, never before."""

    batch: str
    answered: int
    checks: int
    """Answers on requests that were agreed before."""
    agreed: int
    """Number of these that are as it was agreed."""


@dataclass(frozen=True)
class ReviewBatch:
    """The batch of one person: its items are answered in order."""

    batch: str
    person: str
    of: int
    done: int
