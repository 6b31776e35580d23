"""One answer explained: the words of a text that raise its probability, and those that lower it.

Add here another fact about one answer. Attributions are computed in `integrated_gradients.py`, and words are defined in
`word_attribution.py`.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ratchet.core.errors import RatchetError
from ratchet.core.names import nearest
from ratchet.evaluation.explanation.integrated_gradients import DELTA, STEPS, integrate
from ratchet.evaluation.explanation.word_attribution import Word, share_out
from ratchet.models.inference.predictor import Predictor

_CLOSE = 1e-3  # nats between the explained model and the one that answers: the same products in other batches


@dataclass(frozen=True)
class Explanation:
    """Contribution of the words of one text to the log-probability of `label`."""

    text: str
    """Text as the model reads it: trimmed, personal data replaced."""
    label: str
    probability: float
    """Calibrated probability of `label`, as `predict` gives it."""
    answer: str
    """The label that is answered."""
    probabilities: tuple[tuple[str, float], ...]
    words: tuple[Word, ...]
    log_probability: float
    """Log-probability of `label` at the served temperature, before isotonic calibration if any: this is explained."""
    baseline: float
    """The same where every token of the text is padding."""
    steps: int
    delta: float
    converged: bool

    @property
    def sentence(self) -> str:
        """Summary of the figures, and of their accuracy."""
        unread = sum(word.attribution is None for word in self.words)
        cut = (
            f" {unread} of {len(self.words)} words were not read: the text exceeds the adapter's max_tokens."
            if unread
            else ""
        )
        moved = f"log-probability {self.baseline:.3f} without the words, {self.log_probability:.3f} with them"
        if self.converged:
            return f"{moved}; attributions add up to that within {abs(self.delta):.1g} ({self.steps} steps).{cut}"
        return (
            f"{moved}; after the maximum of {self.steps} steps, attributions still miss that by"
            f" {abs(self.delta):.2g} (wanted: below {DELTA}), so they are approximate.{cut}"
        )

    def as_json(self) -> dict[str, Any]:
        """Return JSON types; `words` in the order of the text."""
        return {
            **asdict(self),
            "probabilities": dict(self.probabilities),
            "words": [asdict(word) for word in self.words],
            "sentence": self.sentence,
        }


def explain_text(
    predictor: Predictor, text: str, label: str | None = None, steps: Sequence[int] = STEPS
) -> Explanation:
    """Explain the probability that `predictor` gives to `label` (its answer, when None).

    Raises `RatchetError` for a label that it does not know and for a text of which it reads nothing.
    """
    if label is not None and label not in predictor.labels:
        known = f"Labels: {', '.join(predictor.labels)}."
        raise RatchetError(
            f"the adapter has no label {label!r}.", nearest(label, predictor.labels) or known, code="unknown_label"
        )
    if predictor.network is None:
        raise RatchetError(
            "this runtime gives no gradients.", "Explain the adapter itself, not an export.", code="no_gradients"
        )
    read = predictor.tokenizer.read_text(text)
    ids, spans, ours = read.ids, read.spans, read.own
    if not any(own and end > start for own, (start, end) in zip(ours, spans, strict=True)):
        raise RatchetError("the adapter reads no token of this text.", "Give a text with words.", code="empty_text")
    chosen = None if label is None else predictor.labels.index(label)
    if chosen is None:
        chosen = int(predictor.judge(_alone(predictor, ids)).probabilities[0].argmax())
    result = integrate(predictor, ids, ours, chosen, steps)
    served = predictor.predict([text])
    _check(predictor, text, result.log_probability, chosen)
    kept = [index for index, own in enumerate(ours) if own]
    return Explanation(
        text=read.text,
        label=predictor.labels[chosen],
        probability=float(served.probabilities[0, chosen]),
        answer=served.labels[0],
        probabilities=tuple(zip(predictor.labels, served.probabilities[0].tolist(), strict=True)),
        words=share_out(read.text, [spans[index] for index in kept], result.tokens[kept].tolist()),
        log_probability=result.log_probability,
        baseline=result.baseline,
        steps=result.steps,
        delta=result.delta,
        converged=result.converged,
    )


def _alone(predictor: Predictor, ids: Sequence[int]) -> "np.ndarray[Any, np.dtype[np.float64]]":
    import torch

    row = torch.tensor([list(ids)])
    with torch.no_grad():
        result: np.ndarray[Any, np.dtype[np.float64]] = predictor.rows(row, torch.ones_like(row)).double().numpy()
    return result


def _check(predictor: Predictor, text: str, explained: float, label: int) -> None:
    """Raise unless the explained log-probability is that of the answer by the serving path."""
    scaled = predictor.logits([text])[0] / predictor.calibration.temperature
    served = float(scaled[label] - np.logaddexp.reduce(scaled))
    if not abs(served - explained) <= _CLOSE * max(1.0, abs(served)):
        raise RatchetError(
            f"the explained log-probability {explained:.4f} is not the served one, {served:.4f}.",
            "Report this as a bug: the explanation is not of the model that answers.",
            code="unfaithful",
        )
