"""Evidence on a share keeps its error at every look at once, and its interval holds what it does not exclude."""

import numpy as np
import pytest
from scipy.stats import binom

from ratchet.metrics.share_evidence import any_time_share_interval, evidence_above


def find_chance(share: float, limit: float, threshold: float, trials: int) -> float:
    """Exact chance that the evidence reaches `threshold` within `trials` trials, each of which is looked at."""
    most = int(binom.isf(1e-13, trials, share)) + 1
    chance, reached = np.zeros(most + 1), 0.0
    chance[0] = 1.0
    for n in range(1, trials + 1):
        after = chance * (1 - share)
        after[1:] += chance[:-1] * share
        shown = [hits for hits in range(min(n, most) + 1) if evidence_above(hits, n, limit) >= threshold]
        reached += after[shown].sum()
        after[shown] = 0.0
        chance = after
    return float(reached)


@pytest.mark.parametrize(
    ("share", "limit", "threshold", "trials", "least", "most"),
    [
        (0.01, 0.01, 20.0, 500, 0.0, 0.05),
        (0.01, 0.01, 100.0, 500, 0.0, 0.01),
        (0.5, 0.5, 100.0, 200, 0.0, 0.01),
        (0.005, 0.01, 100.0, 500, 0.0, 0.001),
        (0.05, 0.01, 100.0, 500, 0.98, 1.0),
        (0.9, 0.5, 100.0, 100, 0.99, 1.0),
    ],
)
def test_the_error_is_kept_at_every_look_and_a_broken_model_is_seen(
    share: float, limit: float, threshold: float, trials: int, least: float, most: float
) -> None:
    """By exact computation: at the limit at most 1/threshold, well over it nearly always."""
    assert least <= find_chance(share, limit, threshold, trials) <= most


@pytest.mark.parametrize(("hits", "n"), [(1, 1), (1, 2), (1, 30), (2, 10), (3, 50)])
def test_a_few_early_errors_show_nothing(hits: int, n: int) -> None:
    """One error in the first two requests, which an exact 95 % interval at each look takes for proof."""
    assert evidence_above(hits, n, 0.01) < 100
    assert any_time_share_interval(hits, n, 0.98)[0] < 0.01 + 1e-6


@pytest.mark.parametrize(
    ("hits", "n", "limit", "expected"), [(0, 9, 0.0, 1.0), (1, 9, 0.0, 1e300), (9, 9, 1.0, 1.0), (0, 0, 0.5, 1.0)]
)
def test_limits_at_the_ends_are_allowed(hits: int, n: int, limit: float, expected: float) -> None:
    """Under a limit of no error one is proof; a limit of 1 is never exceeded; no trial says nothing."""
    assert evidence_above(hits, n, limit) == expected


def test_more_hits_than_trials_are_refused() -> None:
    """Counts that contradict each other."""
    with pytest.raises(ValueError, match="3 of 2"):
        evidence_above(3, 2, 0.1)


@pytest.mark.parametrize(("hits", "n"), [(0, 0), (0, 40), (3, 40), (40, 40), (190, 220), (9000, 90000)])
def test_the_interval_is_the_shares_that_no_test_excludes(hits: int, n: int) -> None:
    """Just outside each end the evidence is over its limit, just inside it is not."""
    low, high = any_time_share_interval(hits, n, 0.95)
    assert 0 <= low <= (hits / n if n else 0.5) <= high <= 1
    if low > 0:
        assert evidence_above(hits, n, low - 1e-6) >= 40 > evidence_above(hits, n, low + 1e-6)
    if high < 1:
        assert evidence_above(n - hits, n, 1 - high - 1e-6) >= 40 > evidence_above(n - hits, n, 1 - high + 1e-6)
