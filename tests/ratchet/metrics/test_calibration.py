"""A temperature is found where there is one, kept at 1 where it does not help, and refused where it is none."""

import json

import numpy as np
import pytest

from ratchet.core.errors import RatchetError
from ratchet.metrics.calibration import (
    UNCALIBRATED,
    Calibration,
    apply_calibration,
    fit_calibration,
    serve_out_of_sample,
    softmax,
)
from ratchet.metrics.classification import (
    Floats,
    Integers,
    expected_calibration_error,
    macro_nll,
    negative_log_likelihood,
)
from ratchet.metrics.temperature import optimise_temperature


def draw(seed: int, n: int, k: int = 4) -> tuple[Floats, Integers]:
    """Logits and labels drawn from their softmax: the best temperature is 1."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(n, k)) * 2
    labels = (softmax(logits).cumsum(axis=1) < generator.random((n, 1))).sum(axis=1).clip(max=k - 1)
    return logits, labels.astype(np.int64)


@pytest.mark.parametrize("scale", [0.3, 3.0, 10.0])
def test_logits_scaled_by_a_factor_give_that_factor_as_temperature(scale: float) -> None:
    """Scaled calibrated logits are undone, and the NLL improves."""
    logits, labels = draw(0, 3000)
    found = fit_calibration(logits * scale, labels)
    assert (found.method, found.accepted) == ("temperature", True)
    assert found.temperature == pytest.approx(scale, rel=0.1)
    assert found.nll_after is not None
    assert found.nll_before is not None
    assert found.nll_after < found.nll_before
    assert negative_log_likelihood(apply_calibration(logits * scale, found), labels) <= found.nll_before


def test_the_temperature_is_that_of_scikit_learn() -> None:
    """On stored logits, given as the decision function of a stub."""
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.frozen import FrozenEstimator

    class Stored(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
        def fit(self, x: Floats, y: Integers) -> "Stored":
            self.classes_, self.n_features_in_ = np.arange(4), 4
            return self

        def decision_function(self, x: Floats) -> Floats:
            return x

        def predict(self, x: Floats) -> Integers:
            return x.argmax(axis=1)

    logits, labels = draw(1, 800)
    logits = logits * 2.5
    model = CalibratedClassifierCV(FrozenEstimator(Stored().fit(logits, labels)), method="temperature").fit(
        logits, labels
    )
    theirs = model.predict_proba(logits)
    assert apply_calibration(
        logits, Calibration("temperature", optimise_temperature(logits, labels), True, "")
    ) == pytest.approx(theirs, abs=5e-3)


def test_a_temperature_that_does_not_help_is_not_taken() -> None:
    """Over many small calibrated samples: whenever the cross-fitted NLL did not improve, T is 1 and the reason says
    so."""
    kept = 0
    for seed in range(20):
        logits, labels = draw(seed, 60)
        found = fit_calibration(logits, labels)
        improved = found.nll_after is not None and found.nll_before is not None and found.nll_after < found.nll_before
        assert found.accepted == improved == (found.temperature != 1.0)
        if not found.accepted:
            kept += 1
            assert found.method == "none"
            assert "T stays 1" in found.reason
    assert 0 < kept < 20


USELESS: dict[str, tuple[Floats, Integers]] = {
    "worse than chance": (draw(2, 400)[0], draw(2, 400)[0].argmin(axis=1)),
    "labels that are noise": (draw(2, 400)[0], np.random.default_rng(3).integers(0, 4, 400)),
    "the same answer to everything": (np.tile([3.0, 0.0, 0.0, 0.0], (400, 1)), np.arange(400) % 4),
    "no preference at all": (np.zeros((400, 4)), np.arange(400) % 4),
    "almost equal logits, all but one right": (np.eye(4)[np.arange(400) % 4] * 1e-6, np.r_[1, np.arange(1, 400) % 4]),
}  # fmt: skip


@pytest.mark.parametrize("max_ece", [None, 0.0])
@pytest.mark.parametrize("case", USELESS)
def test_a_useless_model_is_left_to_the_gates(case: str, max_ece: float | None) -> None:
    """The best temperature of some is infinite, which is not an optimum: T stays 1 and says why, and nothing raises."""
    logits, labels = USELESS[case]
    found = fit_calibration(logits, labels, max_ece=max_ece)
    served = serve_out_of_sample(logits, labels)
    assert np.isfinite(apply_calibration(logits, found)).all()
    assert np.isfinite([negative_log_likelihood(served, labels), macro_nll(served, labels)]).all()
    if case == "worse than chance":
        with pytest.raises(RatchetError, match=r"ran to the bound T = 100 on 400 calibration items") as caught:
            optimise_temperature(logits, labels)
        assert caught.value.code == "no_temperature"
        assert "ran to the bound T = 100 on" in found.reason


def test_a_model_is_judged_as_it_serves() -> None:
    """The out-of-sample probabilities have the NLL that decided on the temperature, accepted or not."""
    for seed in range(6):
        logits, labels = draw(seed, 60)
        found = fit_calibration(logits, labels)
        assert negative_log_likelihood(serve_out_of_sample(logits, labels), labels) == found.nll_after


def test_an_all_right_split_keeps_one_with_the_reason() -> None:
    """No finite temperature is best when nothing is wrong."""
    logits, _ = draw(3, 100)
    found = fit_calibration(logits, logits.argmax(axis=1))
    assert (found.method, found.temperature, found.accepted) == ("none", 1.0, False)
    assert "all 100 calibration items are correct" in found.reason


def test_a_fold_that_is_all_right_does_not_break_the_cross_fit() -> None:
    """One error in all: the folds that lack it have no finite temperature and stand at 1."""
    logits, _ = draw(4, 50)
    labels = logits.argmax(axis=1)
    labels[0] = (labels[0] + 1) % 4
    assert 0.01 < fit_calibration(logits, labels).temperature < 100


def test_too_few_items_keep_one_with_the_reason() -> None:
    """Nine items cannot be cross-fitted in five folds."""
    logits, labels = draw(5, 9)
    labels[0] = logits[0].argmin()
    found = fit_calibration(logits * 5, labels)
    assert (found.temperature, found.accepted) == (1.0, False)
    assert "9 calibration items are too few" in found.reason


def test_an_empty_split_is_refused() -> None:
    """A temperature of nothing is an error."""
    with pytest.raises(RatchetError, match="empty"):
        fit_calibration(np.empty((0, 3)), np.empty(0, dtype=np.int64))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_logits_that_are_no_numbers_are_refused(value: float) -> None:
    """In fitting and in serving alike, naming how many and the first."""
    logits, labels = draw(6, 40)
    logits[7, 1] = value
    for attempt in (lambda: fit_calibration(logits, labels), lambda: apply_calibration(logits, UNCALIBRATED)):
        with pytest.raises(RatchetError, match="1 of 40 items are not finite, first of item 7") as caught:
            attempt()
        assert caught.value.code == "bad_logits"


def warped(seed: int, n: int) -> tuple[Floats, Integers]:
    """Two classes whose confidence is wrong in a way that no temperature mends: high is too high, low too low."""
    generator = np.random.default_rng(seed)
    p = generator.random(n)
    true = np.where(p > 0.5, 0.5 + 0.35 * (p > 0.6), p * 0.4)
    labels = (generator.random(n) < true).astype(np.int64)
    logit = np.log(p.clip(1e-6, 1 - 1e-6) / (1 - p).clip(1e-6))
    return np.column_stack([np.zeros(n), logit]), labels


def test_isotonic_is_used_only_when_asked_for_and_better() -> None:
    """Without a limit, and under a limit that is met, the temperature stays; over it the curves mend more."""
    logits, labels = warped(0, 4000)
    plain = fit_calibration(logits, labels)
    assert plain.method != "isotonic"
    assert fit_calibration(logits, labels, max_ece=0.5).method == plain.method
    bent = fit_calibration(logits, labels, max_ece=0.001)
    assert (bent.method, bent.accepted) == ("isotonic", True)
    fresh_logits, fresh_labels = warped(1, 4000)
    before = expected_calibration_error(apply_calibration(fresh_logits, plain), fresh_labels)
    after = apply_calibration(fresh_logits, bent)
    assert expected_calibration_error(after, fresh_labels) < before
    assert after.sum(axis=1) == pytest.approx(1.0)
    assert (after > 0).all()


def test_isotonic_that_is_no_better_is_not_used() -> None:
    """On calibrated logits the few-item curves only add noise; the reason tells both figures."""
    logits, labels = draw(8, 200)
    found = fit_calibration(logits, labels, max_ece=0.0)
    if found.method == "isotonic":  # the seed decides; this one must exercise the refusal
        pytest.fail("choose a seed where isotonic does not help")
    assert "no better, so it is not used" in found.reason


@pytest.mark.parametrize("max_ece", [None, 0.001])
def test_a_calibration_survives_json(max_ece: float | None) -> None:
    """Written, read and applied, it gives the same probabilities to the bit."""
    logits, labels = warped(2, 1000)
    found = fit_calibration(logits, labels, max_ece=max_ece)
    read = Calibration.from_json(json.loads(json.dumps(found.as_json(), allow_nan=False)))
    assert read == found
    assert (apply_calibration(logits, read) == apply_calibration(logits, found)).all()


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan"), float("inf")])
def test_a_stored_temperature_that_is_no_temperature_is_refused(temperature: float) -> None:
    """Zero, negative, NaN and infinite."""
    with pytest.raises(ValueError, match="not a finite number above 0"):
        Calibration.from_json({**UNCALIBRATED.as_json(), "temperature": temperature})


def test_huge_logits_do_not_overflow() -> None:
    """A thousand times the usual size still gives probabilities."""
    assert softmax(np.array([[1e4, -1e4, 0.0]])) == pytest.approx(np.array([[1.0, 0.0, 0.0]]))
