"""Temperature of least NLL, found by a bounded search.

Add here another way to search; whether a temperature is taken is decided in `calibration.py`.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratchet.core.errors import RatchetError
from ratchet.metrics.classification import Integers

_BOUNDS = (np.log(0.01), np.log(100.0))


def optimise_temperature(logits: NDArray[Any], labels: Integers) -> float:
    """Return the temperature of least NLL, searched over ln T in [ln 0.01, ln 100] (Guo et al. 2017).

    Raises `RatchetError` when the search does not converge or ends on a bound: such a value is not an optimum.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    margins = np.asarray(logits, dtype=np.float64) - np.take_along_axis(np.asarray(logits), labels[:, None], axis=1)
    result = minimize_scalar(  # without the floor of `negative_log_likelihood`, so that there is one minimum only
        lambda log_t: float(logsumexp(margins / np.exp(log_t), axis=1).mean()),
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
    if min(abs(result.x - bound) for bound in _BOUNDS) < 1e-3:
        raise RatchetError(
            f"the temperature ran to the bound T = {np.exp(result.x):.3g} on {len(labels)} calibration items, so it"
            " is not an optimum.",
            "Check the calibration labels (they look random to this model), or raise window.calibration_share.",
            code="no_temperature",
        )
    return float(np.exp(result.x))
