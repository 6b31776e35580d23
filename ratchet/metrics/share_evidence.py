"""Evidence on a share that may be looked at after every trial: a betting test against a limit, and its interval.

Both are pure functions of two counts. Add here another bound on one share; that of a paired difference is
`ratchet/metrics/betting.py`.
"""

import numpy as np

from ratchet.metrics.betting import MOST

_STAKES = np.geomspace(0.01, 0.97, 24)
"""Fractions of the largest bet; many small ones, since a share that is a few times a small limit wants a small bet."""


def evidence_above(hits: int, n: int, limit: float) -> float:
    """Return the evidence that the share behind `hits` of `n` lies above `limit` (both in 0..1), at least 0.

    A fixed mixture of betting martingales (Waudby-Smith and Ramdas 2024): the mean over 24 stakes s of
    (1 + s (1 - limit) / limit)^hits (1 - s)^(n - hits). At a true share of at most `limit` it reaches 1/alpha at any
    time with a probability of at most alpha (Ville's inequality), so it may be looked at after each trial. Under a
    limit of 0 one hit is proof; under a limit of 1 nothing is.
    """
    if not 0 <= hits <= n:
        raise ValueError(f"{hits} of {n} is not a share")
    if limit <= 0:
        return MOST if hits else 1.0
    if limit >= 1:
        return 1.0
    logs = hits * np.log1p(_STAKES * (1 - limit) / limit) + (n - hits) * np.log1p(-_STAKES)
    top = logs.max()
    return float(np.exp(min(top + np.log(np.mean(np.exp(logs - top))), np.log(MOST))))


def any_time_share_interval(hits: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the interval of a share, in 0..1, that holds at every look at once: the limits that neither test passes.

    Each side has half the error. With no trial it is 0 to 1.
    """
    against = 2 / (1 - confidence)
    return _lowest_kept(hits, n, against), 1 - _lowest_kept(n - hits, n, against)


def _lowest_kept(hits: int, n: int, against: float) -> float:
    """Return the smallest limit that is not shown to be exceeded; the evidence falls as the limit rises."""
    if evidence_above(hits, n, 1e-12) < against:
        return 0.0
    low, high = 1e-12, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if evidence_above(hits, n, middle) >= against else (low, middle)
    return low
