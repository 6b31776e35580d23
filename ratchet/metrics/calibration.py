"""Calibration of confidence by a temperature, or by isotonic regression when the spec sets a limit on ECE.

Add here ways to map logits to calibrated probabilities. Precondition of every fit: the logits are out of sample, from
items that did not train the model. Metrics are in `classification.py`, the search for one is `temperature.py`.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ratchet.core.errors import RatchetError
from ratchet.metrics.classification import Floats, Integers, expected_calibration_error, negative_log_likelihood
from ratchet.metrics.temperature import optimise_temperature

_FOLDS = 5
_ISOTONIC_FLOOR = 1e-3  # share of the softmax mixed in, so that no probability is exactly 0 and ties stay ordered


@dataclass(frozen=True)
class Calibration:
    """Mapping from logits to probabilities, with the reason for it.

    `curves` holds for each class the knots (x, y) of isotonic regression.
    """

    method: Literal["temperature", "isotonic", "none"]
    temperature: float
    accepted: bool
    reason: str
    n: int = 0
    nll_before: float | None = None
    nll_after: float | None = None
    """Cross-fitted NLL: each fold is judged by a temperature fitted on the others."""
    curves: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return JSON types; `from_json` is the inverse."""
        return {**asdict(self), "curves": [[list(x), list(y)] for x, y in self.curves]}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Calibration":
        """Read the result of `as_json`; raises ValueError for a temperature that is not finite and positive."""
        curves = tuple((tuple(x), tuple(y)) for x, y in document.get("curves", []))
        calibration = cls(**{**document, "curves": curves})
        if not (np.isfinite(calibration.temperature) and calibration.temperature > 0):
            raise ValueError(f"temperature {calibration.temperature} is not a finite number above 0")
        return calibration


UNCALIBRATED = Calibration("none", 1.0, accepted=False, reason="not calibrated")


def softmax(logits: NDArray[Any], temperature: float = 1.0) -> Floats:
    """Return probabilities [n, k] of logits [n, k] divided by `temperature`.

    Raises `RatchetError` for logits that are not finite.
    """
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    broken = np.flatnonzero(~np.isfinite(scaled).all(axis=1))
    if broken.size:
        raise RatchetError(
            f"the logits of {broken.size} of {len(scaled)} items are not finite, first of item {broken[0]}.",
            "Training diverged or the adapter is damaged: train again with a lower candidate.learning_rate.",
            code="bad_logits",
        )
    exponent = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(exponent / exponent.sum(axis=1, keepdims=True))


def apply_calibration(logits: NDArray[Any], calibration: Calibration) -> Floats:
    """Return calibrated probabilities [n, k] of logits [n, k]; rows sum to 1."""
    probabilities = softmax(logits, calibration.temperature)
    if calibration.method != "isotonic":
        return probabilities
    mapped = np.column_stack([np.interp(probabilities[:, i], x, y) for i, (x, y) in enumerate(calibration.curves)])
    mixed = (1 - _ISOTONIC_FLOOR) * mapped + _ISOTONIC_FLOOR * probabilities
    return np.asarray(mixed / mixed.sum(axis=1, keepdims=True))


def fit_calibration(
    logits: NDArray[Any], labels: Integers, *, max_ece: float | None = None, seed: int = 0
) -> Calibration:
    """Fit a temperature on out-of-sample `logits` [n, k] and `labels` [n]; keep T = 1 when it does not help.

    Accepted only when the cross-fitted NLL improves on T = 1. When `max_ece` is set and the cross-fitted temperature
    misses it, isotonic regression (Zadrozny and Elkan 2002, one class against the rest) is used where its cross-fitted
    ECE is lower. A model to which the labels look random has no optimum: T stays 1, and the gates judge it. Raises
    `RatchetError` for an empty split and for logits that are not finite.
    """
    n = len(labels)
    if n == 0:
        raise RatchetError(
            "the calibration split is empty.",
            "Correct more requests without showing the prediction.",
            code="empty_split",
        )
    logits = np.asarray(logits, dtype=np.float64)
    raw = softmax(logits)
    before = negative_log_likelihood(raw, labels)

    def keep(reason: str) -> Calibration:
        return Calibration("none", 1.0, False, reason, n, before, before)

    if bool((logits.argmax(axis=1) == labels).all()):
        return keep(f"all {n} calibration items are correct, so no finite temperature is best; T stays 1")
    if n < 2 * _FOLDS:
        return keep(f"{n} calibration items are too few to cross-fit; T stays 1")

    # Cross-fitted, because on the items that it was fitted on a temperature never has a worse NLL than T = 1.
    no_optimum, scaled, t = "", raw, 1.0
    try:
        scaled = _cross_fit(logits, labels, seed, _temperature_only)
        t = optimise_temperature(logits, labels)
    except RatchetError as error:
        if error.code != "no_temperature":
            raise
        no_optimum, scaled = error.message.removesuffix("."), raw
    after = negative_log_likelihood(scaled, labels)
    if no_optimum:
        chosen = keep(f"{no_optimum}; T stays 1")
    elif after < before:
        reason = f"cross-fitted NLL {before:.4f} -> {after:.4f} on {n} calibration items"
        chosen = Calibration("temperature", t, True, reason, n, before, after)
    else:
        reason = f"cross-fitted NLL would worsen, {before:.4f} -> {after:.4f}, on {n} calibration items; T stays 1"
        chosen, scaled = keep(reason), raw
    if max_ece is None or (missed := expected_calibration_error(scaled, labels)) <= max_ece:
        return chosen

    bent = _cross_fit(logits, labels, seed, _isotonic)
    reached = expected_calibration_error(bent, labels)
    verdict = f"ECE {missed:.4f} is over the limit {max_ece}, isotonic reaches {reached:.4f}"
    if reached >= missed:
        return replace(chosen, reason=f"{chosen.reason}; {verdict}, no better, so it is not used")
    fitted = _isotonic(logits, labels)
    return Calibration(
        "isotonic",
        1.0,
        True,
        f"{chosen.reason}; {verdict}",
        n,
        before,
        negative_log_likelihood(bent, labels),
        fitted.curves,
    )


def serve_out_of_sample(logits: NDArray[Any], labels: Integers, *, seed: int = 0) -> Floats:
    """Return probabilities [n, k] as served, each item's by a temperature of other items: those that `fit_calibration`
    judges a temperature by, and those of T = 1 where it keeps that."""
    raw = softmax(logits)
    found = fit_calibration(logits, labels, seed=seed)
    return _cross_fit(np.asarray(logits, dtype=np.float64), labels, seed, _temperature_only) if found.accepted else raw


def _temperature_only(logits: NDArray[Any], labels: Integers) -> Calibration:
    if bool((logits.argmax(axis=1) == labels).all()):  # no finite optimum in this fold, so T = 1
        return UNCALIBRATED
    return Calibration("temperature", optimise_temperature(logits, labels), True, "")


def _isotonic(logits: NDArray[Any], labels: Integers) -> Calibration:
    from sklearn.isotonic import IsotonicRegression

    probabilities = softmax(logits)
    curves = []
    for i in range(probabilities.shape[1]):
        model = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(probabilities[:, i], labels == i)
        curves.append((tuple(map(float, model.X_thresholds_)), tuple(map(float, model.y_thresholds_))))
    return Calibration("isotonic", 1.0, True, "", curves=tuple(curves))


def _cross_fit(
    logits: NDArray[Any], labels: Integers, seed: int, fit: Callable[[NDArray[Any], Integers], Calibration]
) -> Floats:
    """Return probabilities [n, k] of each item under a calibration fitted on the other folds."""
    probabilities = np.empty_like(logits)
    for held_out in np.array_split(np.random.default_rng(seed).permutation(len(labels)), _FOLDS):
        kept = np.setdiff1d(np.arange(len(labels)), held_out)
        probabilities[held_out] = apply_calibration(logits[held_out], fit(logits[kept], labels[kept]))
    return probabilities
