"""A temperature is found where there is one, stays near 1 where little is known, and is refused where it is none."""

import json

import numpy as np
import pytest

from ratchet.core.errors import RatchetError
from ratchet.metrics.calibration import (
    ISOTONIC_ITEMS,
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
from ratchet.metrics.temperature import PRIOR_SD, fit_temperature


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

    logits, labels = draw(1, 4000)  # many, so that the prior weighs nothing
    logits = logits * 2.5
    model = CalibratedClassifierCV(FrozenEstimator(Stored().fit(logits, labels)), method="temperature").fit(
        logits, labels
    )
    theirs = model.predict_proba(logits)
    assert apply_calibration(
        logits, Calibration("temperature", fit_temperature(logits, labels), True, "")
    ) == pytest.approx(theirs, abs=5e-3)


@pytest.mark.parametrize(
    ("items", "scale", "trials"), [(52, 1.0, 60), (52, 2.0, 60), (200, 3.0, 20)], ids=["calibrated", "T=2", "T=3"]
)
def test_a_temperature_with_a_weak_prior_costs_little_and_keeps_the_gain(items: int, scale: float, trials: int) -> None:
    """On calibrated logits of 52 items it costs less than .01 of NLL, else it keeps most of the gain, on fresh
    items."""
    fresh, truth = draw(1000, 2000, k=6)
    best, raw = (negative_log_likelihood(softmax(fresh * factor), truth) for factor in (1.0, scale))
    reached = []
    for seed in range(trials):
        logits, labels = draw(seed, items, k=6)
        t = fit_temperature(logits * scale, labels)
        reached.append(negative_log_likelihood(softmax(fresh * scale, t), truth))
    assert np.mean(reached) - best <= (0.01 if scale == 1.0 else 0.3 * (raw - best))


def test_the_temperature_is_that_of_least_penalised_loss() -> None:
    """By brute force over a grid of ln T: n * NLL + (ln T)^2 / (2 * sd^2)."""
    logits, labels = draw(9, 40)
    grid = np.linspace(-2, 2, 4001)
    loss = [
        40 * negative_log_likelihood(softmax(logits * 3, float(np.exp(t))), labels) + t**2 / (2 * PRIOR_SD**2)
        for t in grid
    ]
    assert np.log(fit_temperature(logits * 3, labels)) == pytest.approx(grid[int(np.argmin(loss))], abs=2e-3)


USELESS: dict[str, tuple[Floats, Integers]] = {
    "worse than chance": (draw(2, 400)[0], draw(2, 400)[0].argmin(axis=1)),
    "labels that are noise": (draw(2, 400)[0], np.random.default_rng(3).integers(0, 4, 400)),
    "the same answer to everything": (np.tile([3.0, 0.0, 0.0, 0.0], (400, 1)), np.arange(400) % 4),
    "no preference at all": (np.zeros((400, 4)), np.arange(400) % 4),
    "almost equal logits, all but one right": (np.eye(4)[np.arange(400) % 4] * 1e-6, np.r_[1, np.arange(1, 400) % 4]),
    "all right": (draw(3, 100)[0], draw(3, 100)[0].argmax(axis=1)),
    "one item": (draw(3, 1)[0], np.array([2])),
    "nine items of which one is wrong": (draw(5, 9)[0], np.r_[draw(5, 9)[0][0].argmin(), draw(5, 9)[0].argmax(1)[1:]]),
}  # fmt: skip


@pytest.mark.parametrize("max_ece", [None, 0.0])
@pytest.mark.parametrize("case", USELESS)
def test_a_split_without_a_best_temperature_has_one_by_the_prior(case: str, max_ece: float | None) -> None:
    """The temperature of least NLL of some is infinite or zero: the prior keeps it finite, and nothing raises."""
    logits, labels = USELESS[case]
    found = fit_calibration(logits, labels, max_ece=max_ece)
    served = serve_out_of_sample(logits, labels)
    assert (found.method, 0.01 < found.temperature < 100) == ("temperature", True)
    assert np.isfinite(apply_calibration(logits, found)).all()
    assert np.isfinite([negative_log_likelihood(served, labels), macro_nll(served, labels)]).all()


def test_a_model_is_judged_as_it_serves() -> None:
    """The out-of-sample probabilities have the NLL that the calibration states."""
    for seed in range(6):
        logits, labels = draw(seed, 60)
        found = fit_calibration(logits, labels)
        assert negative_log_likelihood(serve_out_of_sample(logits, labels), labels) == found.nll_after


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


@pytest.mark.parametrize(
    ("logits", "said"),
    [(draw(8, 1500), "no better, so it is not used"), (warped(0, ISOTONIC_ITEMS - 1), "needs 1,000 items")],
    ids=["calibrated logits", "too few items"],
)
def test_isotonic_that_does_not_win_out_of_sample_is_not_used(logits: tuple[Floats, Integers], said: str) -> None:
    """On calibrated logits curves only add noise, and below 1,000 items they do so too often; the reason says it."""
    found = fit_calibration(*logits, max_ece=0.0)
    assert (found.method, said in found.reason) == ("temperature", True), found.reason


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
