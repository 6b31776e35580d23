"""Thresholds are the best of all that could be chosen, ties included."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from ratchet.config.spec import Label, Spec
from ratchet.metrics.thresholds import best_thresholds

SPEC = Spec("tickets", (Label("a", cost_wrong=1.0), Label("b", cost_wrong=4.0)), cost_review=0.5)


def costs(confidence: np.ndarray, wrong: np.ndarray, threshold: float, cost_wrong: float) -> float:
    """What acting from `threshold` on costs."""
    acted = confidence >= threshold
    return float((wrong & acted).sum() * cost_wrong + (~acted).sum() * SPEC.cost_review)


@pytest.mark.parametrize("decimals", [1, 2, 8])
def test_no_other_threshold_does_better(decimals: int) -> None:
    """Against every value that occurs, on probabilities with many ties, few and none."""
    generator = np.random.default_rng(decimals)
    p = generator.random(120).round(decimals).clip(0.01, 0.99)
    labels = (generator.random(120) < p).astype(np.int64)
    probabilities = np.column_stack([1 - p, p])
    found = best_thresholds(probabilities, labels, SPEC)
    confidence, predicted = probabilities.max(axis=1), probabilities.argmax(axis=1)
    for i, label in enumerate(SPEC.label):
        score, truth = probabilities[:, i], labels == i
        best = max(f1_score(truth, score >= t) for t in score)
        assert f1_score(truth, score >= found[label.name]["by_f1"]) == pytest.approx(best)
        mine = predicted == i
        wrong = labels[mine] != i
        chosen = found[label.name]["by_cost"]
        assert chosen is not None
        least = min(costs(confidence[mine], wrong, t, label.cost_wrong) for t in [*confidence[mine], 1.0])
        assert costs(confidence[mine], wrong, chosen, label.cost_wrong) == pytest.approx(least)


def test_a_label_never_seen_nor_predicted_has_no_threshold() -> None:
    """None says so."""
    found = best_thresholds(np.array([[0.9, 0.1], [0.8, 0.2]]), np.array([0, 0]), SPEC)
    assert found["b"] == {"by_f1": None, "by_cost": None}


def test_acting_that_never_pays_has_the_highest_threshold() -> None:
    """Every prediction of b is wrong and dear, so everything is reviewed."""
    found = best_thresholds(np.array([[0.2, 0.8], [0.4, 0.6]]), np.array([0, 0]), SPEC)
    assert found["b"]["by_cost"] == 1.0
