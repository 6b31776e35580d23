"""History of one request, from its answer to the cycles that used it.

Add here another stage that a request passes; its sentences are `request_facts.py`, its rows are found by
`ratchet/workflows/review/why.py`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

Row = Mapping[str, Any]

USES = {"train": "trained", "calibration": "calibrated", "test": "judged"}
"""Use that a cycle makes of an example, by its split."""


@dataclass(frozen=True)
class CycleUse:
    """Use that one cycle made of a request."""

    week: str
    use: str
    """`trained`, `calibrated`, `judged`, or `dropped`."""
    label: str | None
    """Label that it had in this cycle."""
    reason: str = ""
    """Word of the reason why it was dropped."""
    sentence: str = ""
    adapter: str = ""
    """Candidate that the cycle made; empty where it made none."""
    outcome: str = ""
    """Verdict on the cycle: passed, or the first gate that did not, with its reason."""
    live: bool = False
    """True where that candidate is live now."""
    predictions: tuple[Row, ...] = ()
    """Answers of candidate and live in the evaluation: model, adapter, predicted, confidence, probabilities."""


@dataclass(frozen=True)
class RequestHistory:
    """Facts about one request of one classifier, as JSON types."""

    classifier: str
    request_id: str
    request: Row | None
    """Answer as it was served; None where only other rows name the request."""
    text: str | None = None
    """Text as the model sees it; None unless it was asked for."""
    compared: tuple[Row, ...] = ()
    """Answers of the other adapter of a rollout to the same request."""
    feedback: tuple[Row, ...] = ()
    queued: tuple[Row, ...] = ()
    """Reasons for which the review queue took it."""
    corrections: tuple[Row, ...] = ()
    contradictions: tuple[Row, ...] = ()
    consensus: Row | None = None
    cycles: tuple[CycleUse, ...] = ()
    quarantine: str = ""
    """Reason why its week is quarantined; empty where it is not."""
    waiting: tuple[Row, ...] = ()
    rejected: tuple[Row, ...] = ()
    notes: tuple[str, ...] = ()
    """Sentences on what could not be looked at here."""

    @property
    def is_empty(self) -> bool:
        """True where nothing names the request."""
        named = (self.compared, self.feedback, self.queued, self.corrections, self.contradictions, self.cycles)
        return self.request is None and not any((*named, self.waiting, self.rejected))

    def as_json(self) -> dict[str, Any]:
        """Return JSON types."""
        return asdict(self)
