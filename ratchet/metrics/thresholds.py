"""Thresholds of confidence: the best for each label by F1 and by the costs of the specification.

Add here rules that turn a probability into an action; the costs of actions are in the specification.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ratchet.config.spec import Spec


def best_thresholds(
    probabilities: NDArray[np.float64], labels: NDArray[np.int64], spec: Spec
) -> dict[str, dict[str, float | None]]:
    """Return `{"by_f1": t, "by_cost": t}` for each label; None where the label is never predicted nor seen.

    by_f1: predict the label when its probability reaches t, one against the rest. by_cost: act on a prediction of the
    label when its confidence reaches t, else pay `cost_review`; a wrong action costs the label's `cost_wrong`. Both are
    chosen on the given items ([n, k] and [n]), so they are optimistic for others. by_cost 1.0 means that acting never
    pays.
    """
    predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    thresholds: dict[str, dict[str, float | None]] = {}
    for i, label in enumerate(spec.label):
        mine = predicted == i
        thresholds[label.name] = {
            "by_f1": _best_by_f1(probabilities[:, i], labels == i),
            "by_cost": _best_by_cost(confidence[mine], labels[mine] != i, label.cost_wrong, spec.cost_review),
        }
    return thresholds


def _best_by_f1(score: NDArray[np.float64], truth: NDArray[np.bool_]) -> float | None:
    if not truth.any():
        return None
    order = np.argsort(-score, kind="stable")
    hits = np.cumsum(truth[order])
    f1 = np.where(_ends(score[order]), 2 * hits / (np.arange(1, len(score) + 1) + truth.sum()), -1.0)
    return float(score[order][int(f1.argmax())])


def _best_by_cost(
    confidence: NDArray[np.float64], wrong: NDArray[np.bool_] | Sequence[bool], cost_wrong: float, cost_review: float
) -> float | None:
    if not len(confidence):
        return None
    order = np.argsort(-confidence, kind="stable")
    acted = np.cumsum(np.asarray(wrong)[order]) * cost_wrong
    cost = np.concatenate([[0.0], acted]) + cost_review * np.arange(len(confidence), -1, -1)
    cost[1:][~_ends(confidence[order])] = np.inf
    best = int(cost.argmin())
    return 1.0 if best == 0 else float(confidence[order][best - 1])


def _ends(ordered: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Mask of the last of each run of equal values: a threshold takes all of a run or none."""
    return np.append(ordered[1:] != ordered[:-1], True)
