"""The order in which a stock trainer takes its examples when some weigh more: such an example comes more often in an
epoch.

TRL's trainers take a mean over what they are given, without weights. Add here another order; what a weight is, is said
where the examples are made.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray


class WeightedSampler:
    """A sampler for a torch `DataLoader`: the indices of the epoch after `done`, and other ones at each further
    call."""

    def __init__(self, weights: Sequence[float], seed: int, done: int = 0) -> None:
        self._weights, self._seed, self._epoch = np.asarray(weights, dtype=np.float64), seed, done

    def __len__(self) -> int:
        return len(self._weights)

    def __iter__(self) -> Iterator[int]:
        self._epoch += 1
        draw = np.random.default_rng([self._seed, self._epoch])
        order = draw.permutation(len(self._weights))
        taken = order[take_in_proportion(self._weights[order], draw.random())]
        yield from draw.permutation(taken).tolist()


def take_in_proportion(weights: NDArray[np.float64], offset: float) -> NDArray[np.int64]:
    """Indices [n] of n weights, each as often as its share of their sum asks for, rounded up or down by `offset`
    (0..1).

    Systematic sampling (Kitagawa 1996): of equal weights every index comes exactly once.
    """
    n, ends = len(weights), np.cumsum(weights / weights.sum())
    return np.minimum(np.searchsorted(ends, (np.arange(n) + offset) / n, side="right"), n - 1)
