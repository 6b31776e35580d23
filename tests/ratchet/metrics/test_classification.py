"""Metrics agree with scikit-learn and with what is known of synthetic models."""

import json

import numpy as np
import pytest
from sklearn import metrics

from ratchet.metrics.classification import (
    Floats,
    Integers,
    area_under_curve,
    brier_score,
    count_confusion,
    describe_split,
    expected_calibration_error,
    f1_by_class,
    macro_f1,
    macro_nll,
    negative_log_likelihood,
    reliability,
)


def draw(seed: int, n: int, k: int) -> tuple[Floats, Integers]:
    """Random probabilities [n, k] and labels drawn from them: a perfectly calibrated model."""
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet(np.full(k, 0.4), n)
    labels = (probabilities.cumsum(axis=1) < generator.random((n, 1))).sum(axis=1).clip(max=k - 1)
    return probabilities, labels.astype(np.int64)


@pytest.mark.parametrize(("seed", "n", "k"), [(0, 1, 2), (1, 7, 6), (2, 200, 2), (3, 500, 6), (4, 300, 77)])
def test_every_metric_equals_that_of_scikit_learn(seed: int, n: int, k: int) -> None:
    """Confusion, F1, macro-F1, NLL and Brier on random data, classes that never occur included."""
    probabilities, labels = draw(seed, n, k)
    predicted = probabilities.argmax(axis=1)
    every = range(k)
    confusion = count_confusion(predicted, labels, k)
    assert (confusion == metrics.confusion_matrix(labels, predicted, labels=list(every))).all()
    assert f1_by_class(confusion) == pytest.approx(
        metrics.f1_score(labels, predicted, labels=list(every), average=None, zero_division=0)
    )
    assert macro_f1(predicted, labels, k) == pytest.approx(
        metrics.f1_score(labels, predicted, average="macro", zero_division=0)
    )
    assert negative_log_likelihood(probabilities, labels) == pytest.approx(
        metrics.log_loss(labels, np.maximum(probabilities, 1e-12), labels=list(every)), rel=1e-6
    )
    # each class weighted so that all that occur count alike
    weights = 1 / np.bincount(labels, minlength=k)[labels]
    assert macro_nll(probabilities, labels) == pytest.approx(
        metrics.log_loss(labels, np.maximum(probabilities, 1e-12), labels=list(every), sample_weight=weights), rel=1e-6
    )
    assert brier_score(probabilities, labels) == pytest.approx(
        ((np.eye(k)[labels] - probabilities) ** 2).sum(axis=1).mean()
    )
    if k == 2 and n > 1:
        assert brier_score(probabilities, labels) == pytest.approx(
            2 * metrics.brier_score_loss(labels, probabilities[:, 1])
        )
        assert area_under_curve(probabilities, labels) == pytest.approx(
            metrics.roc_auc_score(labels, probabilities[:, 1])
        )


def test_the_area_under_the_curve_of_one_class_is_not_defined() -> None:
    """None, not a number, when only one class occurs."""
    probabilities, labels = draw(0, 20, 2)
    assert area_under_curve(probabilities, np.zeros_like(labels)) is None


def test_a_certain_error_costs_a_finite_loss() -> None:
    """Probability 0 for the label is floored, so that the mean stays a number."""
    assert negative_log_likelihood(np.array([[1.0, 0.0]]), np.array([1])) == pytest.approx(-np.log(1e-12))


def test_a_calibrated_model_has_almost_no_calibration_error_and_an_overconfident_one_has_much() -> None:
    """Labels drawn from the probabilities themselves, then from their fourth root."""
    probabilities, labels = draw(5, 20_000, 4)
    sharp = probabilities**4 / (probabilities**4).sum(axis=1, keepdims=True)
    assert expected_calibration_error(probabilities, labels) < 0.015
    assert expected_calibration_error(sharp, labels) > 0.10


def test_a_majority_predictor_looks_calibrated_but_not_good() -> None:
    """ECE alone is gameable: the shares of the labels have none, whatever the order of the items, but macro-F1
    tells."""
    labels = np.sort(draw(6, 1000, 4)[1])
    shares = np.tile(np.bincount(labels, minlength=4) / len(labels), (len(labels), 1))
    assert expected_calibration_error(shares, labels) == pytest.approx(0, abs=1e-12)
    assert len(reliability(shares, labels)) == 1
    assert macro_f1(shares.argmax(axis=1), labels, 4) < 0.25


def test_calibration_error_does_not_depend_on_the_order_of_items() -> None:
    """Half of the confidences are equal, the items shuffled."""
    probabilities, labels = draw(7, 600, 3)
    probabilities[:300] = (0.8, 0.1, 0.1)
    order = np.random.default_rng(0).permutation(600)
    assert expected_calibration_error(probabilities, labels) == pytest.approx(
        expected_calibration_error(probabilities[order], labels[order]), abs=1e-12
    )


@pytest.mark.parametrize(("n", "bins"), [(1000, 10), (1003, 10), (4, 4), (1, 1)])
def test_bins_hold_equal_mass_and_every_item_once(n: int, bins: int) -> None:
    """Ten bins whose sizes differ by one at most; fewer items than bins give a bin for each item."""
    rows = reliability(*draw(8, n, 3))
    counts = [row["count"] for row in rows]
    assert (len(rows), sum(counts)) == (bins, n)
    assert max(counts) - min(counts) <= 1
    assert all(row["low"] <= row["accuracy"] <= row["high"] for row in rows)
    assert [row["confidence"] for row in rows] == sorted(row["confidence"] for row in rows)


def test_a_split_is_described_in_json_types_the_same_way_each_time() -> None:
    """All contract keys, no NaN, an interval around each figure; a class without support gets zeros."""
    probabilities, labels = draw(9, 150, 3)
    labels[labels == 2] = 0
    found = describe_split(probabilities, probabilities, labels, ("a", "b", "c"))
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found == describe_split(probabilities, probabilities, labels, ("a", "b", "c"))
    assert {
        "macro_f1",
        "macro_f1_ci",
        "accuracy",
        "per_class",
        "ece_raw",
        "ece",
        "brier_raw",
        "brier",
        "nll_raw",
        "nll",
    } <= set(found)
    assert found["macro_f1_ci"][0] <= found["macro_f1"] <= found["macro_f1_ci"][1]
    assert found["per_class"]["c"]["support"] == 0
    assert found["per_class"]["c"]["recall"] == 0.0
    assert sum(row["support"] for row in found["per_class"].values()) == found["n"] == 150
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(labels, probabilities.argmax(axis=1)))
    assert found["auc"] is None


def test_an_empty_split_has_no_metrics() -> None:
    """Refused, rather than a row of zeros."""
    with pytest.raises(ValueError, match="no items"):
        describe_split(np.empty((0, 2)), np.empty((0, 2)), np.empty(0, dtype=np.int64), ("a", "b"))
