"""Scoring: one model's answers on one split, kept item by item so that every figure can be derived again.

Add here a fact to record of an answer; figures over many answers are in `ratchet/metrics/classification.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ratchet.core.label_names import label_form
from ratchet.metrics.calibration import Calibration, apply_calibration, softmax
from ratchet.metrics.classification import Floats, Integers


class Scorer(Protocol):
    """A predictor, or anything with its interface."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the columns of the logits."""
        ...

    @property
    def calibration(self) -> Calibration:
        """Calibration that turns logits into probabilities."""
        ...

    def logits(self, texts: Sequence[str]) -> Floats:
        """Return raw scores [n, k]."""
        ...


@dataclass(frozen=True)
class Split:
    """Items to judge a model on: names, texts and label indices, [n] each."""

    name: str
    items: tuple[str, ...]
    texts: tuple[str, ...]
    labels: Integers
    as_sent: tuple[str, ...] = ()
    """The texts before redaction, for adapters that redact otherwise than examples are now; empty where not known."""
    served: tuple[str | None, ...] = ()
    """The labels that were served for the items; empty where they were not served."""
    extra: tuple[str | None, ...] = ()
    """Further columns of the items' log rows, as the text of a JSON object; empty where there are none."""


@dataclass(frozen=True)
class Scored:
    """One model's answers on a split: probabilities [n, k] before (`raw`) and after calibration, columns in the order
    of the specification's labels."""

    split: Split
    raw: Floats
    calibrated: Floats

    @property
    def predicted(self) -> Integers:
        """Label indices answered, [n]."""
        return np.asarray(self.calibrated.argmax(axis=1), dtype=np.int64)

    def rows(self, labels: Sequence[str]) -> list[dict[str, Any]]:
        """Return one row for each item, as in the table `predictions`."""
        return [
            {
                "split": self.split.name, "item": item, "text": text, "label": labels[truth],
                "predicted": labels[answer],
                "confidence": float(p[answer]), "probabilities": [float(v) for v in p],
            }
            for item, text, truth, answer, p in zip(
                self.split.items, self.split.texts, self.split.labels, self.predicted, self.calibrated, strict=True
            )
        ]  # fmt: skip


def score(
    scorer: Scorer,
    split: Split,
    labels: Sequence[str],
    means: Mapping[str, Sequence[str]] | None = None,
    beside: Integers | None = None,
) -> Scored:
    """Score `scorer` on `split`, with its columns in the order of `labels`.

    `means` says what its labels are called now: several that were merged add up, and one that was retired is left out,
    as is one that only the scorer knows; the answer is then the best of the rest. One that was split stands for each of
    its parts: it is read as the answer `beside` it ([n], of the candidate) where that is a part, else as the true one,
    so that a split makes no difference between the two. A label that the scorer does not know gets probability 0.
    """
    logits = scorer.logits(split.as_sent or split.texts)
    raw, calibrated = softmax(logits), apply_calibration(logits, scorer.calibration)
    index = {label_form(label): i for i, label in enumerate(labels)}
    own = list(map(label_form, scorer.labels))  # adapters of before may hold another form
    places = [[index[name] for name in (means or {}).get(label, (label,)) if name in index] for label in own]
    likely = [split.labels] if beside is None else [beside, split.labels]
    return Scored(split, _align(raw, places, len(labels), likely), _align(calibrated, places, len(labels), likely))


def _align(probabilities: Floats, places: Sequence[Sequence[int]], k: int, likely: Sequence[Integers]) -> Floats:
    """Move each column to its places among `k` columns; one with several goes, row by row, to the first `likely`."""
    if [*places] == [[i] for i in range(k)]:
        return probabilities
    aligned, rows = np.zeros((len(probabilities), k)), np.arange(len(probabilities))
    for column, among in enumerate(places):
        if not among:
            continue
        place = np.full(len(rows), among[0])
        for wanted in reversed(likely) if len(among) > 1 else ():
            place = np.where(np.isin(wanted, among), wanted, place)
        aligned[rows, place] += probabilities[:, column]
    total = aligned.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(aligned, total, out=np.full_like(aligned, 1 / k), where=total > 0))
