"""Betting: evidence that a candidate is not worse, or worse, than live by a margin, valid however often one looks.

Each compared request scores +1 (only the candidate right), -1 (only live right) or 0. A bettor who stakes a share of
the wealth on each score wins nothing in the long run while the claim that is bet against is true; the wealth is the
evidence. A fixed mixture of stakes (Waudby-Smith and Ramdas 2024) makes it a pure function of three counts, so order,
late labels and machine change nothing, and by Ville's inequality it ever reaches
1/alpha with a chance of alpha at most. Change no stake: figures of before could not be derived again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, log

import numpy as np
from numpy.typing import ArrayLike, NDArray

STAKES: NDArray[np.float64] = np.linspace(0.02, 0.97, 24)
"""Shares of the largest stake that cannot ruin the bettor; the mixture weighs them alike."""
MOST = 1e300
"""Largest evidence that is written: strict JSON holds no infinity."""
_HALVINGS = 48
_NEGLIGIBLE = 1e-13


def evidence_not_worse(losses: int, wins: int, compared: int, margin: float) -> float:
    """Return the evidence against "worse by `margin` or more": 1 is none, and `MOST` the largest."""
    return _capped(log_not_worse(losses, wins, compared, margin))


def evidence_worse(losses: int, wins: int, compared: int, margin: float) -> float:
    """Return the evidence against "not worse than `margin`": 1 is none, and `MOST` the largest."""
    return _capped(log_worse(losses, wins, compared, margin))


def log_not_worse(losses: ArrayLike, wins: ArrayLike, compared: ArrayLike, margin: float) -> NDArray[np.float64]:
    """Return the logarithms of `evidence_not_worse` for arrays that broadcast; `margin` is in -1..1, ends left out."""
    stakes = STAKES / (1 - margin)
    lost, won, all_of_them = (np.asarray(n, dtype=np.float64)[..., None] for n in (losses, wins, compared))
    wealth = lost * np.log1p(stakes * (margin - 1)) + won * np.log1p(stakes * (margin + 1))
    wealth = wealth + (all_of_them - lost - won) * np.log1p(stakes * margin)
    most = wealth.max(axis=-1, keepdims=True)
    total: NDArray[np.float64] = np.log(np.exp(wealth - most).mean(axis=-1)) + most[..., 0]
    return total


def log_worse(losses: ArrayLike, wins: ArrayLike, compared: ArrayLike, margin: float) -> NDArray[np.float64]:
    """Return the logarithms of `evidence_worse`: those of "not worse" with the two adapters and the margin turned."""
    return log_not_worse(wins, losses, compared, -margin)


def any_time_interval(losses: int, wins: int, compared: int, alpha: float, waiting: int = 0) -> tuple[float, float]:
    """Return the interval of accuracy(candidate) - accuracy(live), -1..1, that holds at all looks with 1 - `alpha`.

    It holds the differences that neither evidence excludes at half of `alpha`. Disagreements that are `waiting` for a
    label count as losses for its low end and as wins for its high end.
    """
    # either evidence is monotone in the difference that it is asked about, since its stakes are shares of ruin
    limit = log(2 / alpha)
    low = _last_excluded(lambda d: log_not_worse(losses + waiting, wins, compared, -d) >= limit, -1.0)
    high = _last_excluded(lambda d: log_worse(losses, wins + waiting, compared, -d) >= limit, 1.0)
    return low, high


@dataclass(frozen=True)
class Crossing:
    """Exact chances that evidence reaches its limit, looked at after every request."""

    by_compared: NDArray[np.float64]
    """Chance to have reached it by 0, 1, 2 ... compared requests."""
    by_decided: NDArray[np.float64]
    """Chance to reach it just when 0, 1, 2 ... requests were labelled on which one adapter alone is right."""

    def quantile(self, share: float) -> int | None:
        """Return the fewest such labels by which it is reached with a chance of `share`, None where it never is."""
        reached = np.flatnonzero(np.cumsum(self.by_decided) >= share)
        return int(reached[0]) if len(reached) else None


def crossing_probability(
    p_loss: float, p_win: float, compared: int, margin: float, limit: float, *, worse: bool = False
) -> float:
    """Return the exact chance that "not worse" (or `worse`) is shown within `compared` requests, each looked at.

    A request is a loss with chance `p_loss` and a win with `p_win`; evidence shows from `limit` on.
    """
    return float(find_crossing(p_loss, p_win, compared, margin, limit, worse=worse).by_compared[-1])


def find_crossing(
    p_loss: float, p_win: float, compared: int, margin: float, limit: float, *, worse: bool = False
) -> Crossing:
    """Return when "not worse" (or `worse`) is shown, by a walk over all counts of losses and wins."""
    if worse:
        return find_crossing(p_win, p_loss, compared, -margin, limit)
    from scipy.stats import binom

    most = [int(binom.isf(_NEGLIGIBLE, compared, p)) + 1 for p in (p_loss, p_win)]
    losses, wins = np.arange(most[0] + 1), np.arange(most[1] + 1)
    chance, reached = np.zeros((len(losses), len(wins))), np.zeros((len(losses), len(wins)))
    chance[0, 0], total = 1.0, np.zeros(compared + 1)
    enough = np.zeros(len(losses), dtype=np.int64)  # wins that show it, for each count of losses
    for n in range(1, compared + 1):
        after = (1 - p_loss - p_win) * chance
        after[1:] += p_loss * chance[:-1]
        after[:, 1:] += p_win * chance[:, :-1]
        while (short := log_not_worse(losses, enough, n, margin) < log(limit)).any():
            enough += short
        while (spare := (enough > 0) & (log_not_worse(losses, enough - 1, n, margin) >= log(limit))).any():
            enough -= spare
        shown = np.where(wins >= enough[:, None], after, 0.0)
        chance, reached, total[n] = after - shown, reached + shown, total[n - 1] + shown.sum()
    decided = np.bincount(np.add.outer(losses, wins).ravel(), weights=reached.ravel())
    return Crossing(total, np.asarray(decided, dtype=np.float64))


def _last_excluded(is_excluded: Callable[[float], np.bool_ | NDArray[np.bool_]], end: float) -> float:
    """Return the last difference, seen from `end`, that is excluded; `end` where none is."""
    near, far = end, -end
    for _ in range(_HALVINGS):
        middle = (near + far) / 2
        near, far = (middle, far) if is_excluded(middle) else (near, middle)
    return near


def _capped(logarithm: NDArray[np.float64]) -> float:
    return exp(min(float(logarithm), log(MOST)))
