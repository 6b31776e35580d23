"""Difference of two models on the same items: Tango's score interval, the exact test of a loss, and the items needed.

Add here what two models' answers on the same labelled items show; bounds that may be looked at often are in
`betting.py`, intervals of a single share in `intervals.py`.
"""

from dataclasses import dataclass
from functools import cache
from math import ceil, comb, exp, lgamma, log, log1p, sqrt
from statistics import NormalDist

ALPHA_WITHIN = 0.05
"""One-sided error of "not worse than the margin": a model worse by the margin is called within it this often."""
_SPAN = 1.645 + 1.28
"""Standard errors between the margin and no difference: 5 % of error, and 90 % of equal models shown."""
_NEVER = 1e-9
_STEPS = 60
"""Halvings of the search for an end of an interval, which then lies within 1e-15 of it."""


@dataclass(frozen=True)
class PairedCounts:
    """Counts over `n` items that two models answered: those that only the first gets right are `losses` of the second,
    those that only the second gets right its `gains`."""

    n: int
    losses: int
    gains: int

    def __post_init__(self) -> None:
        if min(self.losses, self.gains) < 0 or self.losses + self.gains > self.n:
            raise ValueError(f"{self.losses} losses and {self.gains} gains among {self.n} items contradict each other")

    @property
    def difference(self) -> float:
        """Accuracy of the second less that of the first, -1..1; 0 without items."""
        return (self.gains - self.losses) / self.n if self.n else 0.0

    @property
    def churn(self) -> float:
        """Share of items that exactly one of the two gets right, 0..1."""
        return (self.losses + self.gains) / self.n if self.n else 0.0

    @property
    def loss_p(self) -> float:
        """Probability of so many losses or more among losses and gains, where both are as likely (exact, one-sided)."""
        split = self.losses + self.gains
        return float(sum(comb(split, each) for each in range(self.losses, split + 1)) / 2**split)

    def interval(self, alpha_low: float, alpha_high: float) -> tuple[float, float]:
        """Return the score interval of the difference (Tango 1998), in -1..1, with one-sided errors of each end.

        An end is the difference that the counts just do not reject; the coverage is near the nominal one from a few
        items on, also where nothing was lost or gained. (-1, 1) without items.
        """
        if not self.n:
            return -1.0, 1.0
        low, high = NormalDist().inv_cdf(1 - alpha_low), NormalDist().inv_cdf(1 - alpha_high)
        at = self.difference
        return self._end(-1.0, at, low), self._end(at, 1.0, -high)

    def _end(self, left: float, right: float, wanted: float) -> float:
        """Return the difference whose score is `wanted`: the score falls as the difference rises."""
        for _ in range(_STEPS):
            middle = (left + right) / 2
            left, right = (middle, right) if self._score(middle) > wanted else (left, middle)
        return (left + right) / 2

    def _score(self, difference: float) -> float:
        """Return the score statistic of H0: the true difference is `difference`."""
        n, b, c, d = self.n, self.losses, self.gains, difference
        # The nuisance parameter, the share of losses, by its constrained maximum of the likelihood.
        half, product = -b - c + (2 * n - c + b) * d, -b * d * (1 - d)
        q = (sqrt(max(half**2 - 8 * n * product, 0.0)) - half) / (4 * n)
        variance = n * (2 * q + d * (1 - d))
        return (c - b - n * d) / sqrt(variance) if variance > 0 else (0.0 if c - b == n * d else (c - b - n * d) * 1e9)


def needed_items(churn: float, margin: float) -> int:
    """Return the items by which an equal model is shown to be within `margin` with a chance of 90 %.

    (1.645 + 1.28)^2 churn / margin^2; and no fewer than the items on which the interval of two models that never
    differ ends at the margin. `margin` must be positive.
    """
    z = NormalDist().inv_cdf(1 - ALPHA_WITHIN)
    return max(ceil(_SPAN**2 * churn / margin**2), ceil(z**2 * (1 - margin) / margin))


def smallest_margin(n: int, churn: float) -> float:
    """Return the smallest margin, 0..1, for which `n` items are enough by `needed_items`."""
    if not n:
        return 1.0
    z = NormalDist().inv_cdf(1 - ALPHA_WITHIN)
    return min(1.0, max(_SPAN * sqrt(churn / n), z**2 / (n + z**2)))


def power_of_loss(n: int, churn: float, loss: float, alpha: float) -> float:
    """Return the exact chance that a model worse by `loss` on `n` items is seen by `PairedCounts.loss_p` at `alpha`.

    `churn` is the share of items that exactly one of the two gets right, 0..1; it is at least `loss`.
    """
    churn = min(1.0, max(churn, loss))
    if not churn:
        return 0.0
    tilt = (churn + loss) / 2 / churn
    # The number that differs is binomial, and so is the number lost among them; the threshold rises with the former.
    likely = ((split, _binomial(split, n, churn)) for split in range(1, n + 1))
    return min(1.0, sum(p * _chance_of_rejection(split, tilt, alpha) for split, p in likely if p > _NEVER))


@cache
def _chance_of_rejection(split: int, tilt: float, alpha: float) -> float:
    """Return the chance that so many of `split` items are lost as the exact test rejects, each lost with `tilt`."""
    tail, chance = 0.0, 0.0
    for lost in range(split, -1, -1):
        tail += _binomial(lost, split, 0.5)
        if tail > alpha:
            break
        chance += _binomial(lost, split, tilt)
    return chance


def _binomial(k: int, n: int, p: float) -> float:
    """Return the probability of `k` among `n`."""
    if p in {0.0, 1.0}:
        return float(k == n * p)
    return exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(p) + (n - k) * log1p(-p))
