"""Causes for which an answered request is queued: a user's complaint, a low confidence, a disagreement, a draw.

Each is a pure function of the answer. Add here another cause that an answer itself shows; who notices it is
`gateway/review/feed.py`. No detail names a label: whoever labels must not learn the model's answer.
"""

from dataclasses import dataclass
from datetime import datetime

from ratchet.review import reasons
from ratchet.review.draw import AUDIT, is_drawn
from ratchet.review.item import RANDOM, VALUE, QueuedRequest


@dataclass(frozen=True)
class AnsweredRequest:
    """One answered request, as the gateway remembers it for a while."""

    request_id: str
    text: str
    """Text as it came."""
    slot: str
    label: str = ""
    confidence: float | None = None
    user: str = ""
    """User as the client named them, empty where it did not."""


@dataclass(frozen=True)
class Cause:
    """Cause why one request is queued."""

    request: AnsweredRequest
    reason: str
    detail: str
    value: float = 0.0
    probability: float | None = None

    def as_item(self, text: str, ts: datetime) -> QueuedRequest:
        """Return the item, with the `text` as people shall see it."""
        chosen = RANDOM if self.reason == reasons.AUDIT else VALUE
        return QueuedRequest(
            self.request.request_id, self.reason, ts, text, chosen, self.probability, self.request.slot, self.value,
            self.detail,
        )  # fmt: skip


def complaint(request: AnsweredRequest, source: str) -> Cause:
    """Return the cause that a user says the answer is wrong."""
    return Cause(request, reasons.USER_FEEDBACK, f"feedback from {source}", value=1.0)


def low_confidence(request: AnsweredRequest, threshold: float) -> Cause | None:
    """Return the cause that the confidence is below the label's threshold, None where it is not, or is unknown."""
    if request.confidence is None or request.confidence >= threshold:
        return None
    detail = f"confidence {request.confidence:.3f}, threshold {threshold:g}"
    return Cause(request, reasons.LOW_CONFIDENCE, detail, value=threshold - request.confidence)


def disagreement(request: AnsweredRequest, other_label: str | None, other_confidence: float | None) -> Cause | None:
    """Return the cause that the other adapter answered another label; None where it agreed or gave no answer."""
    if other_label is None or other_label == request.label:
        return None
    sure = min(request.confidence or 0.0, other_confidence or 0.0)
    return Cause(request, reasons.DISAGREEMENT, f"both are sure by at least {sure:.3f}", value=sure)


def audit(request: AnsweredRequest, key: bytes, rate: float) -> Cause | None:
    """Return the cause that the request is drawn at random, with probability `rate`."""
    if not is_drawn(key, AUDIT, request.request_id, rate):
        return None
    return Cause(request, reasons.AUDIT, "drawn by a keyed hash of the request id", probability=rate)
