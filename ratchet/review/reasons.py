"""Reasons for which a request waits in the review queue, in the order in which users read them.

Add a reason here, with its sentence; who queues for it is a caller of `ratchet/workflows/review/enqueue.py`.
"""

from typing import Final

USER_FEEDBACK: Final = "user_feedback"
LOW_CONFIDENCE: Final = "low_confidence"
DISAGREEMENT: Final = "disagreement"
CONFLICT: Final = "conflict"
THIN_CLASS: Final = "thin_class"
BLOCKED: Final = "blocked"
AUDIT: Final = "audit"
SPLIT: Final = "split"
SUSPENDED: Final = "suspended"
EXAMPLES: Final = "examples"
EVIDENCE: Final = "evidence"

MEANINGS: Final = {
    EVIDENCE: "drawn for the comparison with live",
    USER_FEEDBACK: "a user says the answer is wrong",
    LOW_CONFIDENCE: "the confidence is below the label's threshold",
    DISAGREEMENT: "live and candidate answer differently",
    CONFLICT: "two people gave different labels",
    THIN_CLASS: "the label has few examples",
    BLOCKED: "a gate was blocked by this request",
    AUDIT: "drawn at random",
    SPLIT: "its label was split or retired",
    SUSPENDED: "its only label is by a suspended person",
    EXAMPLES: "a new label lacks examples",
}
"""Meaning of each reason, as people read it."""

ASKED_AGAIN: Final = frozenset({BLOCKED, SPLIT, SUSPENDED, EXAMPLES})
"""Reasons that ask for a label after earlier ones: what was answered before the request was queued is not enough."""
