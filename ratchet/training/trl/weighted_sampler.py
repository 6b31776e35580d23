"""Order of weighted examples for a stock trainer: an example with a larger weight comes more often in an epoch.

TRL's trainers average over their examples without weights. Add here another order; the weights are computed where the
examples are.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray


class WeightedSampler:
    """Sampler for a torch `DataLoader`: each iteration gives the indices of the next epoch, the first after `done`."""

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
    """Draw n indices of n weights, each as often as its share of the sum, rounded up or down by `offset` (0..1).

    Systematic sampling (Kitagawa 1996): with equal weights every index comes exactly once.
    """
    n, ends = len(weights), np.cumsum(weights / weights.sum())
    return np.minimum(np.searchsorted(ends, (np.arange(n) + offset) / n, side="right"), n - 1)
