"""Row 12: the temperature: its cost for a calibrated model, and its gain for one that is twice too sure."""

from collections.abc import Mapping

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.gates.figures import Curve, Measured, Plot, number
from ratchet.metrics.calibration import fit_calibration, softmax

_CLASSES, _ACCURACY, _POOL, _FITS = 6, 0.925, 20_000, 500
_SIZES = (26, 52, 100, 500)
Floats = NDArray[np.float64]


def calibrated_logits(generator: Generator, n: int, scale: float) -> Floats:
    """Return logits [n, 6] of a calibrated model: its labels are drawn from its own probabilities."""
    answer = generator.integers(_CLASSES, size=n)
    return np.asarray(generator.normal(0.0, 1.0, (n, _CLASSES)) * 2 + scale * np.eye(_CLASSES)[answer])


def find_scale() -> float:
    """Return the scale at which a calibrated model is right in 92.5 % of cases."""
    low, high = 0.0, 30.0
    for _ in range(30):
        middle = (low + high) / 2
        right = softmax(calibrated_logits(np.random.default_rng(0), _POOL, middle)).max(axis=1).mean()
        low, high = (middle, high) if right < _ACCURACY else (low, middle)
    return low


def draw_labels(generator: Generator, probabilities: Floats) -> NDArray[np.int64]:
    """Return one label for each row of `probabilities`."""
    return np.asarray((probabilities.cumsum(axis=1) < generator.random((len(probabilities), 1))).sum(axis=1))


def expected_nll(logits: Floats, truth: Floats, temperature: float) -> float:
    """Return the NLL to expect of `logits` at a temperature, where labels come from `truth`."""
    return float(-(truth * np.log(softmax(logits / temperature))).sum(axis=1).mean())


def changes(n: int, too_sure: float, scale: float) -> Floats:
    """Return the expected change of NLL by each temperature that were fitted on `n` items."""
    pool = calibrated_logits(np.random.default_rng(1), _POOL, scale)
    truth = softmax(pool)
    grid = np.exp(np.linspace(np.log(0.05), np.log(20), 600))
    table = np.array([expected_nll(too_sure * pool[::10], truth[::10], t) for t in grid])
    base = expected_nll(too_sure * pool[::10], truth[::10], 1.0)
    found = []
    for trial in range(_FITS):
        generator = np.random.default_rng((12, n, trial))
        drawn = calibrated_logits(generator, n, scale)
        labels = draw_labels(generator, softmax(drawn))
        fitted = fit_calibration(too_sure * drawn, labels).temperature
        found.append(float(np.interp(np.log(fitted), np.log(grid), table)) - base)
    return np.array(found)


def measure_temperature() -> Measured:
    """Return row 12."""
    scale = find_scale()
    pool = calibrated_logits(np.random.default_rng(1), _POOL, scale)
    whole = expected_nll(2 * pool, softmax(pool), 1.0) - expected_nll(2 * pool, softmax(pool), 2.0)
    cost = {n: changes(n, 1.0, scale) for n in _SIZES}
    gain = {n: -changes(n, 2.0, scale) / whole for n in _SIZES}

    def within(values: Floats) -> tuple[float, float]:
        spread = 1.96 * float(values.std(ddof=1)) / len(values) ** 0.5
        return float(values.mean()) - spread, float(values.mean()) + spread

    return Measured(
        (
            number(f"calibrated, 52 items, {_FITS:,} fits: mean change of NLL", float(cost[52].mean()), "",
                   within(cost[52]), at_most=0.007),
            number("twice too sure (T = 2), 52 items: share of the possible gain that is kept",
                   float(gain[52].mean()), "", within(gain[52]), at_least=0.5),
            number("calibrated, 500 items: mean change of NLL", float(cost[500].mean()), "", within(cost[500])),
        ),
        (
            Plot("temperature", "The temperature's cost where none is needed", "calibration items",
                 "mean change of NLL", (_curve("calibrated", cost),), 0.007),
            Plot("temperature_gain", "The temperature's gain where T = 2 is true", "calibration items",
                 "share of the possible gain", (_curve("twice too sure", gain),), 0.5),
        ),
    )  # fmt: skip


def _curve(name: str, found: Mapping[int, Floats]) -> Curve:
    return Curve(name, tuple((n, float(each.mean())) for n, each in found.items()))
