"""Intervals of figures: bounds on sampling error.

Add here ways to bound a figure; the figures themselves are in `classification.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
_ENDS = (2.5, 97.5)


@dataclass(frozen=True)
class Bootstrap:
    """Percentile 95 % intervals: `overall` [low, high], `by_class` one pair for each class."""

    overall: list[float]
    by_class: list[list[float]]


def bootstrap_interval(
    confusion: NDArray[Any],
    overall: Callable[[NDArray[Any]], NDArray[Any]],
    by_class: Callable[[NDArray[Any]], NDArray[Any]],
    *,
    seed: int = 0,
) -> Bootstrap:
    """Percentile bootstrap over items (Efron 1979).

    Resamples are drawn as multinomial confusion matrices, which has the same distribution and needs no items. `overall`
    maps [..., k, k] to [...], `by_class` maps it to [..., k].
    """
    n, shape = int(confusion.sum()), confusion.shape
    draws = np.random.default_rng(seed).multinomial(n, (confusion / n).ravel(), size=RESAMPLES).reshape(-1, *shape)
    low, high = np.percentile(overall(draws), _ENDS)
    ends = np.percentile(by_class(draws), _ENDS, axis=0)
    return Bootstrap([float(low), float(high)], [[float(a), float(b)] for a, b in ends.T])


def paired_bootstrap(
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    labels: NDArray[np.int64],
    statistic: Callable[[NDArray[np.int64], NDArray[np.int64]], float],
    *,
    seed: int = 0,
    resamples: int = 1000,
) -> tuple[float, list[float]]:
    """Return `statistic(first) - statistic(second)` on the same items, with its percentile 95 % interval.

    `first`, `second` and `labels` are [n]; items are resampled together, so that shared difficulty cancels.
    """
    generator = np.random.default_rng(seed)
    n = len(labels)
    differences = []
    for _ in range(resamples):
        take = generator.integers(0, n, n)
        differences.append(statistic(first[take], labels[take]) - statistic(second[take], labels[take]))
    low, high = np.percentile(differences, _ENDS)
    return statistic(first, labels) - statistic(second, labels), [float(low), float(high)]


def proportion_interval(hits: float, n: float, confidence: float = 0.95) -> tuple[float, float]:
    """Return the exact two-sided interval of a share (Clopper and Pearson 1934), in 0..1.

    `n` must be positive. Counts that are sums of shares need not be whole: the beta distribution joins the values
    between.
    """
    from scipy.stats import beta

    tail = (1 - confidence) / 2
    low = 0.0 if hits <= 0 else float(beta.ppf(tail, hits, n - hits + 1))
    high = 1.0 if hits >= n else float(beta.ppf(1 - tail, hits + 1, n - hits))
    return low, high


def paired_difference_interval(
    only_first: float, only_second: float, n: float, confidence: float = 0.95
) -> tuple[float, float]:
    """Return the exact interval of accuracy(second) - accuracy(first) on the same `n` items, in -1..1.

    `only_first` and `only_second` count the items that only one of the two classifies correctly; `n` must be positive.
    The difference is the share of such items, times twice the second's share among them less one; each factor gets an
    exact interval (Clopper and Pearson 1934) at half the error, and the corners bound the product. The coverage is at
    least `confidence`, whatever the truth.
    """
    split = only_first + only_second
    each = 1 - (1 - confidence) / 2
    least, most = proportion_interval(split, n, each)
    low, high = proportion_interval(only_second, split, each) if split else (0.0, 1.0)
    corners = [share * (2 * won - 1) for share in (least, most) for won in (low, high)]
    return min(corners), max(corners)


def binomial_p(hits: int, n: int, share: float) -> float:
    """Return the exact two-sided p-value, 0..1, of `hits` in `n` positive trials where `share` (0..1) is expected."""
    from scipy.stats import binomtest

    return float(binomtest(hits, n, share).pvalue)


def smallest_excludable_share(n: int, confidence: float = 0.95) -> float:
    """Return the smallest loss rate, 0..1, that zero losses among `n` items exclude: `1 - (1 - confidence)^(1/n)`."""
    return float(1 - (1 - confidence) ** (1 / n)) if n else 1.0
