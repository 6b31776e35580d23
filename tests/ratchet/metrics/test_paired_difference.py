"""The paired difference covers the truth as often as it says, and the rule on it errs as rarely as the docs say."""

from functools import cache
from math import lgamma, log

import numpy as np
import pytest

from ratchet.gates.paired_rule import CLASS_ALPHA, WORSE_ALPHA, judge_paired
from ratchet.metrics.paired_difference import PairedCounts, needed_items, smallest_margin

MARGIN = 0.05


def chances(n: int, losses: float, gains: float) -> dict[tuple[int, int], float]:
    """Probability of each pair of counts of losses and gains; those below 1e-9 are left out."""
    rest, found = 1 - losses - gains, {}
    for b in range(n + 1):
        for c in range(n + 1 - b):
            if (b and not losses) or (c and not gains):
                break
            terms = ((b, losses), (c, gains), (n - b - c, rest))
            at = lgamma(n + 1) + sum(k * log(p) - lgamma(k + 1) for k, p in terms if k)
            if at > -20:
                found[b, c] = float(np.exp(at))
            elif b + c > n * (losses + gains):
                break
    return found


@cache
def shown(n: int, losses: int, gains: int) -> str:
    """Verdict on these counts, the classes left out."""
    return judge_paired(PairedCounts(n, losses, gains), MARGIN, alpha=WORSE_ALPHA).shown


def share(n: int, churn: float, difference: float, verdict: str) -> float:
    """Exact probability of a verdict at a true difference."""
    every = chances(n, (churn - difference) / 2, (churn + difference) / 2)
    return sum(p for (b, c), p in every.items() if shown(n, b, c) == verdict)


def test_the_score_is_at_the_likeliest_share_of_losses() -> None:
    """Tango's example of 12 gains and 2 losses in 50; and the ends where nothing, or everything, differs."""
    assert PairedCounts(50, 2, 12).interval(0.025, 0.025) == pytest.approx((0.06111, 0.34471), abs=1e-5)
    z2 = 1.959964**2
    assert PairedCounts(50, 0, 0).interval(0.025, 0.025) == pytest.approx((-z2 / (50 + z2), z2 / (50 + z2)))
    low, high = PairedCounts(50, 50, 0).interval(0.025, 0.025)
    assert (low, high) == (pytest.approx(-1.0), pytest.approx(-(50 - z2) / (50 + z2), abs=2e-3))
    assert PairedCounts(0, 0, 0).interval(0.05, 0.05) == (-1.0, 1.0)
    with pytest.raises(ValueError, match="contradict"):
        PairedCounts(3, 2, 2)
    rng = np.random.default_rng(0)
    for _ in range(8):  # by brute force over the share of losses
        n, b, c = int(rng.integers(5, 60)), int(rng.integers(0, 3)), int(rng.integers(0, 4))
        d = float(rng.uniform(-0.3, 0.3))
        q = np.linspace(max(0, -d), (1 - d) / 2, 50_001)[1:-1]
        q = q[(q + d > 0) & (1 - 2 * q - d > 0)]
        best = q[np.argmax(b * np.log(q) + c * np.log(q + d) + (n - b - c) * np.log(1 - 2 * q - d))]
        z = (c - b - n * d) / np.sqrt(n * (2 * best + d - d * d))
        assert PairedCounts(n, b, c)._score(d) == pytest.approx(z, abs=5e-3)


@pytest.mark.parametrize(("n", "churn", "difference"), [(50, 0.06, 0.0), (200, 0.1, -0.05), (120, 0.08, 0.03)])
def test_the_interval_covers_the_truth_as_often_as_it_says(n: int, churn: float, difference: float) -> None:
    """95 % within a point and a half, by the exact distribution of the counts."""
    every = chances(n, (churn - difference) / 2, (churn + difference) / 2)
    ends = {at: PairedCounts(n, *at).interval(0.025, 0.025) for at in every}
    covered = sum(p for at, p in every.items() if ends[at][0] <= difference <= ends[at][1])
    assert 0.935 <= covered <= 0.985


@pytest.mark.parametrize("n", [50, 200, *(pytest.param(n, marks=pytest.mark.faults) for n in (100, 250, 500, 1000))])
def test_an_equal_model_is_blocked_by_golden_and_anchor_together_in_at_most_six_percent(n: int) -> None:
    """At every churn up to 12 %, with the losses of two classes on top of the whole."""
    for churn in (0.06, 0.12):
        whole, half = share(n, churn, 0.0, "worse"), n // 2
        by_class = sum(
            p
            for at, p in chances(half, churn / 2, churn / 2).items()
            if judge_paired(
                PairedCounts(half, *at), MARGIN, alpha=WORSE_ALPHA,
                classes={"a": PairedCounts(half, *at), "b": PairedCounts(half, 0, 0)}, class_alpha=CLASS_ALPHA,
            ).classes
        )  # fmt: skip
        assert 2 * (whole + 2 * by_class) <= 0.06, churn


def test_a_model_five_points_worse_is_seen_on_two_hundred_items() -> None:
    """It passes in at most 5.5 %, and fails in at least 60 %, at every churn up to a tenth."""
    for churn in (0.05, 0.1):
        assert share(200, churn, -0.05, "within") <= 0.055, churn
        assert share(200, churn, -0.05, "worse") >= 0.6, churn


def test_every_model_is_within_a_margin_of_one() -> None:
    """Also one that loses everything, over all and within a class."""
    lost = PairedCounts(40, 40, 0)
    found = judge_paired(lost, 1.0, alpha=WORSE_ALPHA, classes={"a": lost}, class_alpha=CLASS_ALPHA)
    assert (found.shown, found.classes) == ("within", ())
    nearly = judge_paired(lost, 0.99, alpha=WORSE_ALPHA, classes={"a": lost}, class_alpha=CLASS_ALPHA)
    assert (nearly.shown, nearly.classes) == ("worse", ("a",))


def test_the_items_needed_are_those_of_the_power() -> None:
    """343 items at a churn of a tenth show 5 points; a set and its margin fit each other."""
    assert (needed_items(0.1, 0.05), needed_items(0.08, 0.05), needed_items(0.0, 0.05)) == (343, 274, 52)
    assert smallest_margin(343, 0.1) <= 0.05 < smallest_margin(342, 0.1)
    assert smallest_margin(0, 0.1) == 1.0
