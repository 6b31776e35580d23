"""Evidence that a candidate's wrong answers cost more than live's, where labels have different costs.

The betting test of `betting.py` for scores between -1 and 1 in place of the three. Add here another weighing of errors.
"""

from collections.abc import Sequence
from math import exp, log

import numpy as np

from ratchet.metrics.betting import MOST, STAKES


def evidence_dearer(rises: Sequence[tuple[float, int]], compared: int, largest: float, margin: float) -> float:
    """Return the evidence against "the mean cost of a request rises by `margin` at most": 1 is none.

    `rises` holds the candidate's cost less live's on a request, with the number of such requests; on the others of
    `compared` it is 0. `largest` (positive) bounds a rise either way. The mean over 24 stakes s of
    prod (1 + s (rise - margin) / largest), s in shares of the largest stake that cannot ruin the bettor; under the
    claim it ever reaches 1/alpha with a probability of at most alpha.
    """
    if any(abs(rise) > largest * (1 + 1e-9) for rise, _ in rises) or sum(n for _, n in rises) > compared:
        raise ValueError(f"rises of more than {largest}, or more of them than {compared} requests")
    if margin >= largest:
        return 1.0
    stakes, limit = STAKES / (1 + margin / largest), margin / largest
    wealth = (compared - sum(n for _, n in rises)) * np.log1p(-stakes * limit)
    for rise, n in rises:
        wealth = wealth + n * np.log1p(stakes * (rise / largest - limit))
    top = wealth.max()
    return exp(min(float(top + np.log(np.exp(wealth - top).mean())), log(MOST)))
