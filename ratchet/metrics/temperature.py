"""Temperature of least NLL under a weak prior, found by a bounded search.

Add here another way to search; what is fitted when is decided in `calibration.py`.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratchet.core.errors import RatchetError
from ratchet.metrics.classification import Integers

PRIOR_SD = 0.35
"""Standard deviation of ln T around 0 before any label is seen: two thirds of models are expected within a factor of
1.42 of T = 1. It weighs as much as a dozen items, and nothing beside hundreds; 0.5 costs calibrated models of 52 items
more than .007 of NLL (decision 66)."""
_BOUNDS = (np.log(0.01), np.log(100.0))


def fit_temperature(logits: NDArray[Any], labels: Integers) -> float:
    """Return the temperature that minimises n * NLL + (ln T)^2 / (2 * 0.35^2), over ln T in [ln 0.01, ln 100].

    `logits` [n, k] and `labels` [n] are out of sample; without items T is 1. The maximum a posteriori of temperature
    scaling (Guo et al. 2017) under a log-normal prior: it exists where every item is right and where the labels look
    random, which have no temperature of least NLL. Raises `RatchetError` when the search does not converge.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    margins = np.asarray(logits, dtype=np.float64) - np.take_along_axis(np.asarray(logits), labels[:, None], axis=1)
    result = minimize_scalar(  # without the floor of `negative_log_likelihood`, so that there is one minimum only
        lambda log_t: float(logsumexp(margins / np.exp(log_t), axis=1).sum() + log_t**2 / (2 * PRIOR_SD**2)),
        bounds=_BOUNDS,
        method="bounded",
        options={"xatol": 1e-5},
    )
    if not result.success:
        raise RatchetError(
            f"the temperature did not converge: {result.message}.",
            "Check the labels of the calibration split.",
            code="no_temperature",
        )
    return float(np.exp(result.x))
