"""Metrics of class probabilities against labels, as pure functions of numpy arrays.

Throughout, `probabilities` is float [n, k] whose rows sum to 1, `labels` and `predicted` are integers [n] in 0..k-1.
Add metrics here; intervals belong in `intervals.py`, thresholds in `thresholds.py`, verdicts in the modules of the
gates.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratchet.metrics.intervals import bootstrap_interval, proportion_interval

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

ECE_BINS = 10


def count_confusion(predicted: Integers, labels: Integers, k: int) -> Integers:
    """Return the confusion matrix, integers [k, k]: row = true label, column = prediction."""
    return np.bincount(labels * k + predicted, minlength=k * k).reshape(k, k).astype(np.int64)


def f1_by_class(confusion: NDArray[Any]) -> Floats:
    """Return F1 of each class, [..., k], from confusion matrices [..., k, k]; 0 for a class that never occurs."""
    hits = np.diagonal(confusion, axis1=-2, axis2=-1).astype(np.float64)
    total = confusion.sum(axis=-1) + confusion.sum(axis=-2)
    return np.asarray(np.divide(2 * hits, total, out=np.zeros_like(hits), where=total > 0))


def macro_f1_of(confusion: NDArray[Any]) -> Floats:
    """Return the unweighted mean F1, [...], over the classes that occur in each confusion matrix."""
    occurs = (confusion.sum(axis=-1) + confusion.sum(axis=-2)) > 0
    means: Floats = np.asarray((f1_by_class(confusion) * occurs).sum(axis=-1) / np.maximum(occurs.sum(axis=-1), 1))
    return means


def macro_f1(predicted: Integers, labels: Integers, k: int) -> float:
    """Return the macro-averaged F1, 0..1.

    Classes that occur neither as label nor as prediction are left out, as in scikit-learn.
    """
    return float(macro_f1_of(count_confusion(predicted, labels, k)))


def negative_log_likelihood(probabilities: Floats, labels: Integers) -> float:
    """Return the mean -ln p(label) in nats; probabilities are floored at 1e-12."""
    chosen = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(chosen, 1e-12)).mean())


def macro_nll(probabilities: Floats, labels: Integers) -> float:
    """Return the mean over the classes that occur in `labels` of each class's mean -ln p(label), in nats.

    The mean over items is ruled by the frequent classes: it can fall while the recall of a rare class falls, too.
    """
    chosen = probabilities[np.arange(len(labels)), labels]
    loss, n = -np.log(np.maximum(chosen, 1e-12)), np.bincount(labels)
    return float((np.bincount(labels, weights=loss)[n > 0] / n[n > 0]).mean())


def brier_score(probabilities: Floats, labels: Integers) -> float:
    """Return the mean squared distance to the one-hot label, 0..2 (Brier 1950, the multi-class form)."""
    target = np.zeros_like(probabilities)
    target[np.arange(len(labels)), labels] = 1.0
    return float(((probabilities - target) ** 2).sum(axis=1).mean())


def reliability(probabilities: Floats, labels: Integers, bins: int = ECE_BINS) -> list[dict[str, float]]:
    """Return equal-mass bins over the confidence of the prediction.

    Each has its count, mean confidence, accuracy and the 95 % interval of the accuracy.
    """
    return reliability_of(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels, bins)


def reliability_of(confidence: Floats, right: NDArray[np.bool_], bins: int = ECE_BINS) -> list[dict[str, float]]:
    """Return the bins of `reliability` for any confidences [n] in predictions that are `right` [n] or not.

    Equal mass, because equal-width bins leave most bins of a good classifier empty (Nixon et al. 2019). Equal
    confidences share a bin, so that the order of the items does not matter; there are then fewer bins, down to one for
    a constant.
    """
    place = np.searchsorted(np.sort(confidence), confidence) * min(bins, len(right)) // len(right)
    rows = []
    for part in (np.flatnonzero(place == i) for i in np.unique(place)):
        low, high = proportion_interval(int(right[part].sum()), len(part))
        rows.append(
            {
                "count": len(part),
                "confidence": float(confidence[part].mean()),
                "accuracy": float(right[part].mean()),
                "low": low,
                "high": high,
            }
        )
    return rows


def expected_calibration_error(probabilities: Floats, labels: Integers, bins: int = ECE_BINS) -> float:
    """Return the mean |accuracy - confidence| over equal-mass bins, 0..1 (Naeini et al. 2015 with equal-mass bins)."""
    return calibration_error_of(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels, bins)


def calibration_error_of(confidence: Floats, right: NDArray[np.bool_], bins: int = ECE_BINS) -> float:
    """Return the expected calibration error of confidences [n] in predictions that are `right` [n] or not."""
    rows = reliability_of(confidence, right, bins)
    return float(sum(row["count"] * abs(row["accuracy"] - row["confidence"]) for row in rows) / len(right))


def describe_split(
    raw: Floats, calibrated: Floats, labels: Integers, names: tuple[str, ...], *, seed: int = 0
) -> dict[str, Any]:
    """Return every figure of one split for the report.

    `raw` [n, k] are probabilities at temperature 1, `calibrated` [n, k] as served. Raises ValueError for an empty
    split.
    """
    if not len(labels):
        raise ValueError("a split with no items has no metrics")
    k = len(names)
    predicted = calibrated.argmax(axis=1)
    confusion = count_confusion(predicted, labels, k)
    resampled = bootstrap_interval(confusion, macro_f1_of, f1_by_class, seed=seed)
    f1, hits = f1_by_class(confusion), np.diagonal(confusion)
    given, support = confusion.sum(axis=0), confusion.sum(axis=1)
    right = int(hits.sum())
    return {
        "n": len(labels),
        "macro_f1": float(macro_f1_of(confusion)),
        "macro_f1_ci": resampled.overall,
        "accuracy": right / len(labels),
        "accuracy_ci": list(proportion_interval(right, len(labels))),
        "per_class": {
            name: {
                "precision": float(hits[i] / given[i]) if given[i] else 0.0,
                "recall": float(hits[i] / support[i]) if support[i] else 0.0,
                "f1": float(f1[i]),
                "support": int(support[i]),
                "f1_ci": resampled.by_class[i],
            }
            for i, name in enumerate(names)
        },
        "confusion": confusion.tolist(),
        "ece_bins": min(ECE_BINS, len(labels)),
        "ece_raw": expected_calibration_error(raw, labels),
        "ece": expected_calibration_error(calibrated, labels),
        "brier_raw": brier_score(raw, labels),
        "brier": brier_score(calibrated, labels),
        "nll_raw": negative_log_likelihood(raw, labels),
        "nll": negative_log_likelihood(calibrated, labels),
        "auc": area_under_curve(calibrated, labels) if k == 2 else None,
        "reliability": {"before": reliability(raw, labels), "after": reliability(calibrated, labels)},
    }


def area_under_curve(probabilities: Floats, labels: Integers) -> float | None:
    """Return the ROC AUC of class 1 for two classes, 0..1; None when only one class occurs (it is not defined)."""
    from sklearn.metrics import roc_auc_score

    if len(np.unique(labels)) < 2:
        return None
    return float(roc_auc_score(labels, probabilities[:, 1]))
