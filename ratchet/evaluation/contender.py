"""A contender of the three-way evaluation: one model's answers on the sample, and its row of figures.

Add here figures of a row; models are run in `comparison.py`, and all rows summed up in `comparison_summary.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratchet.metrics.classification import Floats, Integers, calibration_error_of, count_confusion, f1_by_class
from ratchet.metrics.intervals import bootstrap_interval, paired_bootstrap


@dataclass(frozen=True)
class Contender:
    """Answers on the `places` [m] of the sample. One that was not measured has none, and `note` holds the reason."""

    name: str
    """`tuned`, `base_zero_shot`, `base_few_shot` or `frontier`."""
    model: str
    note: str
    places: Integers
    predicted: Integers
    """Label indices [m]; k for an answer that could not be used, which counts as wrong."""
    confidence: Floats | None = None
    """Confidence of the answered labels [m], NaN for an unusable answer; None where the model gives none."""
    seconds: tuple[float, ...] = ()
    """Seconds of single calls, in their order."""
    cost_per_call: float | None = None

    @classmethod
    def absent(cls, name: str, model: str, note: str) -> "Contender":
        """Make a contender that was not measured."""
        nothing = np.zeros(0, dtype=np.int64)
        return cls(name, model, note, nothing, nothing)


def macro_f1_of_answers(confusion: NDArray[Any]) -> Floats:
    """Mean F1, [...], over the labels in confusion matrices [..., k+1, k+1]; the last column is "no usable answer"."""
    occurs = (confusion.sum(axis=-1) + confusion.sum(axis=-2))[..., :-1] > 0
    return np.asarray((f1_by_class(confusion)[..., :-1] * occurs).sum(axis=-1) / np.maximum(occurs.sum(axis=-1), 1))


def describe_contender(found: Contender, labels: Integers, k: int, tuned: Contender, seed: int) -> dict[str, Any]:
    """Return the row of one contender; `labels` [n] are those of the whole sample. Figures not measured are None.

    `difference` is tuned minus this one, macro-F1 on the texts that both answered, with a paired 95 % interval.
    """
    row: dict[str, Any] = {
        "name": found.name, "model": found.model, "n": len(found.places), "macro_f1": None, "macro_f1_ci": None,
        "ece": None,
        "unusable": int((found.predicted == k).sum()), "cost_per_1000": None, "p50_ms": None, "p95_ms": None,
        "calls": len(found.seconds), "difference": None, "difference_ci": None, "note": found.note,
    }  # fmt: skip
    if found.seconds:
        p50, p95 = np.percentile(np.asarray(found.seconds) * 1000, [50, 95])
        row |= {"p50_ms": float(p50), "p95_ms": float(p95)}
    if found.cost_per_call is not None:
        row["cost_per_1000"] = 1000 * found.cost_per_call
    if not len(found.places):
        return row
    truth = labels[found.places]
    confusion = count_confusion(found.predicted, truth, k + 1)
    row["macro_f1"] = float(macro_f1_of_answers(confusion))
    row["macro_f1_ci"] = bootstrap_interval(confusion, macro_f1_of_answers, f1_by_class, seed=seed).overall
    usable = found.predicted < k
    if found.confidence is not None and usable.any():
        row["ece"] = calibration_error_of(found.confidence[usable], found.predicted[usable] == truth[usable])
    if found is not tuned and len(tuned.places):
        # a frontier model may have answered fewer texts: compare on those alone
        mine = tuned.predicted[np.searchsorted(tuned.places, found.places)]
        row["difference"], row["difference_ci"] = paired_bootstrap(
            mine,
            found.predicted,
            truth,
            lambda p, t: float(macro_f1_of_answers(count_confusion(p, t, k + 1))),
            seed=seed,
        )
    return row


def local_cost_per_call(seconds: Sequence[float], machine_hour_price: float) -> float | None:
    """Cost of a call on a machine that answers one at a time, from the measured seconds; None without a call."""
    return float(np.mean(seconds)) * machine_hour_price / 3600 if seconds else None
