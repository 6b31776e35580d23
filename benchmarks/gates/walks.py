"""Walks of evidence: simulated rollouts, judged by a second writing of the test's formula.

The exact figures come from the product (`ratchet/metrics/betting.py`); these walks share no code with it, so that a
slip in either would show. Add here another way in which requests or labels arrive.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def wealth_of(score: int, margin: float, *, worse: bool = False) -> Floats:
    """Return the factor by which each of the 24 stakes grows with one request of `score` -1, 0 or +1."""
    sign = -1.0 if worse else 1.0
    stakes = np.array([0.02 + 0.95 * j / 23 for j in range(24)]) / (1 - sign * margin)
    return np.asarray(1 + stakes * sign * (score + margin))


def first_crossings(
    p_loss: float, p_win: float, compared: int, margin: float, limit: float, walks: int, *,
    worse: bool = False, seed: int = 0,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:  # fmt: skip
    """Return for each walk the request at which evidence first reached `limit` (0: never), and the labels by then.

    It is looked at after every request; a label is of a request on which one adapter alone is right.
    """
    generator = np.random.default_rng(seed)
    grow = np.log(np.stack([wealth_of(score, margin, worse=worse) for score in (0, -1, 1)]))
    wealth, labels = np.zeros((walks, 24)), np.zeros(walks, dtype=np.int64)
    crossed, labels_then = np.zeros(walks, dtype=np.int64), np.zeros(walks, dtype=np.int64)
    for n in range(1, compared + 1):
        drawn = generator.random(walks)
        kind = np.where(drawn < p_loss, 1, np.where(drawn < p_loss + p_win, 2, 0))
        wealth += grow[kind]
        labels += kind > 0
        now = (crossed == 0) & (np.exp(wealth).mean(axis=1) >= limit)
        crossed[now], labels_then[now] = n, labels[now]
    return crossed, labels_then
