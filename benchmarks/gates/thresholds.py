"""Row 13: thresholds for acting: how often an action is wrong more often than promised, and how much is acted upon."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.gates.figures import Curve, Figure, Measured, Plot, counted, number
from benchmarks.gates.temperature import calibrated_logits, draw_labels, find_scale
from ratchet.metrics.acting import ERROR, fit_acting_threshold
from ratchet.metrics.calibration import softmax

_ALLOWED, _DRAWS, _POOL = 0.05, 400, 100_000
_SIZES = (45, 100, 200, 500, 1000)
Floats = NDArray[np.float64]


class Model:
    """A model of six classes that is right in 92.5 %; `too_sure` times its logits are its confidences."""

    def __init__(self, too_sure: float) -> None:
        self.too_sure, self.scale = too_sure, find_scale()
        confidence, right = self.draw(np.random.default_rng(0), _POOL)
        order = np.argsort(-confidence)
        self._confidence, self._wrong = confidence[order], np.cumsum(~right[order])

    def draw(self, generator: Generator, n: int) -> tuple[Floats, NDArray[np.bool_]]:
        """Return confidences and whether the answer is right, of `n` items."""
        logits = calibrated_logits(generator, n, self.scale)
        labels = draw_labels(generator, softmax(logits))
        return softmax(self.too_sure * logits).max(axis=1), np.asarray(logits.argmax(axis=1) == labels)

    def act_from(self, threshold: float | None) -> tuple[float, float]:
        """Return the share of all requests that a threshold acts on, and the share of those that are wrong."""
        if threshold is None:
            return 0.0, 0.0
        acted = int((self._confidence >= threshold).sum())
        return acted / _POOL, float(self._wrong[acted - 1] / acted) if acted else 0.0


def measure_thresholds() -> Measured:
    """Return row 13."""
    figures: list[Figure] = []
    curves = []
    for what, too_sure in (("calibrated", 1.0), ("twice too sure", 2.0)):
        model, shares = Model(too_sure), {}
        for n in _SIZES:
            fits = [
                fit_acting_threshold(*model.draw(np.random.default_rng((13, n, i)), n), _ALLOWED) for i in range(_DRAWS)
            ]
            acted, wrong = (
                np.array(each) for each in zip(*(model.act_from(fit.threshold) for fit in fits), strict=True)
            )
            shares[n] = acted
            if n in {100, 500}:
                figures.append(counted(f"{what}, {n} items: more than {_ALLOWED:.0%} of the actions wrong",
                                       int((wrong > _ALLOWED).sum()), _DRAWS, at_most=ERROR))  # fmt: skip
        spread = 1.96 * float(shares[500].std(ddof=1)) / _DRAWS**0.5
        mean = float(shares[500].mean())
        figures.append(number(f"{what}, 500 items: share of all requests acted upon, mean", 100 * mean, "% of requests",
                              (100 * (mean - spread), 100 * (mean + spread)), at_least=80.0))  # fmt: skip
        curves.append(Curve(what, tuple((n, 100 * float(each.mean())) for n, each in shares.items())))
    plot = Plot("thresholds", "Requests acted upon, at most 5 % of them wrong", "drawn labels", "% of requests",
                tuple(curves), 80.0)  # fmt: skip
    return Measured(tuple(figures), (plot,))
