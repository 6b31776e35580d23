"""The figures of a row are those of its own answers, and an unusable answer is a wrong one."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from ratchet.evaluation.contender import Contender, describe_contender, local_cost_per_call
from ratchet.metrics.classification import expected_calibration_error

TRUTH = np.array([0, 1, 2] * 20)
K = 3


def contender(predicted: np.ndarray, asked: np.ndarray | None = None, **more: object) -> Contender:
    """Answers on all of the sample, or on the places asked."""
    places = np.arange(len(TRUTH)) if asked is None else asked
    return Contender("frontier", "m", "", places, predicted, **more)  # type: ignore[arg-type]


TUNED = contender(TRUTH)


def test_macro_f1_is_that_of_scikit_learn_and_unusable_answers_only_lower_it() -> None:
    """Over the labels, so that "no answer" is no label with a score of its own."""
    predicted = np.where(np.arange(60) % 7 == 0, 0, TRUTH)
    found = describe_contender(contender(predicted), TRUTH, K, TUNED, 0)
    assert found["macro_f1"] == pytest.approx(f1_score(TRUTH, predicted, average="macro"))
    unusable = np.where(np.arange(60) % 7 == 0, K, TRUTH)
    row = describe_contender(contender(unusable), TRUTH, K, TUNED, 0)
    assert row["macro_f1"] == pytest.approx(f1_score(TRUTH, unusable, average="macro", labels=[0, 1, 2]))
    assert row["unusable"] == 9
    assert row["macro_f1_ci"][0] < row["macro_f1"] < row["macro_f1_ci"][1]


def test_the_difference_is_paired_on_the_texts_that_both_answered() -> None:
    """Tuned minus this one, on the places asked and no others."""
    asked = np.array([1, 4, 7, 10, 30, 31, 32])
    wrong = np.array([0] * 4 + [0, 1, 2])
    row = describe_contender(contender(wrong, asked), TRUTH, K, TUNED, 0)
    assert (row["n"], row["difference"]) == (7, pytest.approx(1 - row["macro_f1"]))
    assert row["difference_ci"][0] <= row["difference"] <= row["difference_ci"][1]
    same = describe_contender(contender(TRUTH), TRUTH, K, TUNED, 0)
    assert (same["difference"], same["difference_ci"]) == (0, [0, 0])


def test_ece_is_of_usable_answers_and_absent_without_confidence() -> None:
    """The same figure as from probabilities; none is made up."""
    p = np.random.default_rng(0).dirichlet(np.ones(K), 60)
    answers = p.argmax(axis=1)
    row = describe_contender(contender(answers, confidence=p.max(axis=1)), TRUTH, K, TUNED, 0)
    assert row["ece"] == pytest.approx(expected_calibration_error(p, TRUTH))
    assert describe_contender(contender(answers), TRUTH, K, TUNED, 0)["ece"] is None
    none = contender(np.full(60, K), confidence=np.full(60, np.nan))
    assert describe_contender(none, TRUTH, K, TUNED, 0)["ece"] is None


def test_time_and_price_of_calls() -> None:
    """Percentiles in milliseconds; a tenth of a second at 36 an hour is a thousandth a call."""
    seconds = (0.1,) * 19 + (0.3,)
    found = contender(TRUTH, seconds=seconds, cost_per_call=local_cost_per_call([0.1] * 4, 36.0))
    row = describe_contender(found, TRUTH, K, TUNED, 0)
    assert (row["p50_ms"], row["calls"], row["cost_per_1000"]) == (pytest.approx(100), 20, pytest.approx(1.0))
    assert 100 < row["p95_ms"] < 300
    assert local_cost_per_call([], 36.0) is None
    absent = describe_contender(Contender.absent("frontier", "m", "why"), TRUTH, K, TUNED, 0)
    assert (absent["n"], absent["note"]) == (0, "why")
    assert [absent[key] for key in ("macro_f1", "ece", "p50_ms", "cost_per_1000", "difference")] == [None] * 5
