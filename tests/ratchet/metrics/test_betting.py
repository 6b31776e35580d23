"""The betting test: its evidence against an independent process, its error by an exact walk and by every sequence."""

import math
from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest
from online_fdr.e_values import MixtureLikelihoodRatioEProcess

from ratchet.metrics.betting import (
    MOST,
    STAKES,
    any_time_interval,
    crossing_probability,
    evidence_not_worse,
    evidence_worse,
    find_crossing,
)

WEEK, MARGIN, LIMIT = 1740, 0.02, 52 / 0.05


def chances(difference: float) -> tuple[float, float]:
    """Chances of a loss and a win where exactly one of the two is right on 10 % of requests."""
    return (0.1 - difference) / 2, (0.1 + difference) / 2


def test_evidence_is_the_mean_over_the_stakes() -> None:
    """Both formulas as they are written, in plain numbers."""
    for losses, wins, n, margin in ((0, 0, 0, 0.02), (3, 5, 40, 0.02), (9, 2, 60, 0.05), (4, 4, 8, 0.0)):
        up = [
            (1 + s * (margin - 1)) ** losses * (1 + s * (margin + 1)) ** wins * (1 + s * margin) ** (n - losses - wins)
            for s in STAKES / (1 - margin)
        ]
        down = [
            (1 + s * (1 - margin)) ** losses * (1 - s * (1 + margin)) ** wins * (1 - s * margin) ** (n - losses - wins)
            for s in STAKES / (1 + margin)
        ]
        assert evidence_not_worse(losses, wins, n, margin) == pytest.approx(np.mean(up), rel=1e-12)
        assert evidence_worse(losses, wins, n, margin) == pytest.approx(np.mean(down), rel=1e-12)
    assert (len(STAKES), STAKES[0], STAKES[-1]) == (24, 0.02, 0.97)
    assert evidence_not_worse(0, 10**6, 10**6, 0.02) == pytest.approx(MOST)
    assert evidence_not_worse(10**6, 0, 10**6, 0.02) >= 0
    assert math.isfinite(evidence_worse(400_000, 300_000, 10**6, 0.02))


def test_evidence_is_that_of_an_independent_process() -> None:
    """online-fdr's mixture of likelihood ratios, which is fed one score after another, in any order."""

    def feed(stakes: Sequence[float], scores: Sequence[int], shift: float, sign: int) -> float:
        factors = [lambda score, stake=stake: math.log1p(sign * stake * (score + shift)) for stake in stakes]
        process = MixtureLikelihoodRatioEProcess(factors)
        for score in scores:
            process.update(score)
        return process.current

    random = np.random.default_rng(5)
    worst = 0.0
    for margin in (0.02, 0.05, 0.0):
        scores = random.choice([-1, 0, 0, 0, 0, 0, 0, 1], 300).tolist()
        counts = scores.count(-1), scores.count(1), len(scores)
        up = feed((STAKES / (1 - margin)).tolist(), scores, margin, 1)
        down = feed((STAKES / (1 + margin)).tolist(), scores, margin, -1)
        worst = max(
            worst,
            abs(evidence_not_worse(*counts, margin) / up - 1),
            abs(evidence_worse(*counts, margin) / down - 1),
        )
    assert worst < 7e-15


@pytest.mark.parametrize("worse", [False, True])
def test_an_exact_walk_agrees_with_every_sequence(worse: bool) -> None:
    """All 729 sequences of six requests, each looked at after every one."""
    lost, won, margin, limit, n = 0.3, 0.4, 0.1, 2.0, 6
    evidence = evidence_worse if worse else evidence_not_worse
    shown = np.zeros(n + 1)
    for scores in product((-1, 0, 1), repeat=n):
        chance = math.prod({-1: lost, 1: won, 0: 1 - lost - won}[score] for score in scores)
        for seen in range(1, n + 1):
            past = scores[:seen]
            if evidence(past.count(-1), past.count(1), seen, margin) >= limit:
                shown[seen:] += chance
                break
    found = find_crossing(lost, won, n, margin, limit, worse=worse)
    assert found.by_compared == pytest.approx(shown, abs=1e-12)
    assert found.by_decided.sum() == pytest.approx(shown[-1], abs=1e-12)
    assert crossing_probability(lost, won, n, margin, limit, worse=worse) == pytest.approx(shown[-1], abs=1e-12)


def test_a_year_of_candidates_at_the_margin_promotes_one_in_thirty() -> None:
    """Looked at after every request: 3 % a year, below the 5 % that may be spent."""
    chance = crossing_probability(*chances(-MARGIN), WEEK, MARGIN, LIMIT)
    assert chance == pytest.approx(0.00058, abs=1e-5)
    assert 1 - (1 - chance) ** 52 < 0.05


def test_a_better_candidate_is_shown_within_a_week() -> None:
    """Two points better in nine of ten weeks, by 95 decided labels in the middle."""
    found = find_crossing(*chances(0.02), WEEK, MARGIN, LIMIT)
    assert found.by_compared[-1] >= 0.9
    assert found.quantile(0.5) == 95
    assert found.quantile(0.95) is None


def test_a_candidate_five_points_worse_is_shown_within_a_week() -> None:
    """At half the error of the way back."""
    assert crossing_probability(*chances(-0.05), WEEK, MARGIN, 40, worse=True) >= 0.87


def test_the_interval_holds_what_neither_evidence_excludes() -> None:
    """Its ends are where the evidence is at its limit; requests that wait widen it at both ends."""
    low, high = any_time_interval(40, 60, 1000, 0.05)
    assert evidence_not_worse(40, 60, 1000, -low) == pytest.approx(40, rel=1e-3)
    assert evidence_worse(40, 60, 1000, -high) == pytest.approx(40, rel=1e-3)
    assert low < 0.02 < high
    wide = any_time_interval(40, 60, 1000, 0.05, waiting=20)
    assert wide == (any_time_interval(60, 60, 1000, 0.05)[0], any_time_interval(40, 80, 1000, 0.05)[1])
    assert any_time_interval(0, 0, 0, 0.05) == (-1.0, 1.0)
