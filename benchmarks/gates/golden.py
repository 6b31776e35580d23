"""Row 7: the golden set: an equal model that is blocked, and one 5 points worse that passes, computed exactly."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.signal import fftconvolve
from scipy.stats import multinomial

from benchmarks.gates.figures import Curve, Figure, Measured, Plot, agrees, counted, exact
from ratchet.config.policy import Limits
from ratchet.gates.golden_anchor import Anchor
from ratchet.gates.golden_set_regression import GoldenAnswer, decide_regression
from ratchet.gates.paired_rule import CLASS_ALPHA, WORSE_ALPHA, judge_paired
from ratchet.metrics.paired_difference import PairedCounts

_LIMITS = Limits()
_CLASSES = 6
_SIZES = (50, 75, 100, 150, 200, 250, 342, 500, 700, 1000)
_CHURNS = (0.02, 0.04, 0.06, 0.08, 0.10, 0.12)
_NEGLIGIBLE = 1e-9
Grid = NDArray[np.float64]


def most_of(n: int, p: float) -> int:
    """Return a count of `n` that is hardly ever exceeded where each has a chance of `p`."""
    return min(n, int(n * p + 7 * np.sqrt(n * p * (1 - p)) + 8))


def chances(n: int, lost: float, won: float) -> Grid:
    """Return the chance of each count of losses and gains among `n` items: [losses, gains]."""
    losses, gains = np.mgrid[0 : most_of(n, lost) + 1, 0 : most_of(n, won) + 1]
    rest = n - losses - gains
    counts = np.stack([losses, gains, np.maximum(rest, 0)], axis=-1)
    found = multinomial.pmf(counts.reshape(-1, 3), n, [lost, won, 1 - lost - won]).reshape(losses.shape)
    return np.asarray(np.where(rest < 0, 0.0, found))


@cache
def outcomes(n: int, gain: float, churn: float) -> dict[str, float]:
    """Return the exact chance of `within`, `worse` and `undecided` of the product's rule.

    The golden set has six classes of equal size. A class that shows a loss is worse whatever the whole shows, so the
    counts of the classes are joined without those that do, and the rule over all is asked about each sum.
    """
    lost, won, margin = (churn - gain) / 2, (churn + gain) / 2, _LIMITS.max_golden_loss
    sizes = [n // _CLASSES + (i < n % _CLASSES) for i in range(_CLASSES)]
    kept = np.ones((1, 1))
    for size in sizes:
        mine = chances(size, lost, won)
        for losses, gains in np.argwhere(mine > 0):
            if losses > gains and _shows_loss(size, int(losses), int(gains), margin):
                mine[losses, gains] = 0.0
        kept = fftconvolve(kept, mine)
    found = {"within": 0.0, "worse": 1 - float(kept.sum()), "undecided": 0.0}
    for losses, gains in np.argwhere(kept > _NEGLIGIBLE):
        if losses + gains <= n:
            shown = judge_paired(PairedCounts(n, int(losses), int(gains)), margin, alpha=WORSE_ALPHA).shown
            found[shown] += float(kept[losses, gains])
    return found


@cache
def _shows_loss(size: int, losses: int, gains: int, margin: float) -> bool:
    """Return True where a class with these counts is worse by the rule, its error shared among the classes."""
    if losses + gains > size:
        return False
    empty = {str(i): PairedCounts(size, 0, 0) for i in range(1, _CLASSES)}
    classes = {"0": PairedCounts(size, losses, gains), **empty}
    whole = PairedCounts(size * _CLASSES, 0, 0)
    return bool(judge_paired(whole, margin, alpha=WORSE_ALPHA, classes=classes, class_alpha=CLASS_ALPHA).classes)


def simulate(generator: Generator, n: int, gain: float, churn: float) -> str:
    """Return the outcome of the check itself on one golden set, with an anchor that differs as much as live does."""
    labels = np.arange(n) % _CLASSES
    lost, won = (churn - gain) / 2, (churn + gain) / 2
    right = generator.random(n) < 0.92  # of the candidate; either other model differs from it by itself
    p_lost, p_won = lost / 0.08, won / 0.92
    others = [np.where(right, generator.random(n) >= p_won, generator.random(n) < p_lost) for _ in range(2)]

    def answers(is_right: NDArray[np.bool_]) -> list[str]:
        return [str(each) for each in np.where(is_right, labels, (labels + 1) % _CLASSES)]

    candidate, live, then = answers(right), answers(others[0]), answers(others[1])
    golden = [
        GoldenAnswer(str(i), str(label), mine, theirs)
        for i, (label, mine, theirs) in enumerate(zip(labels, candidate, live, strict=True))
    ]
    anchor = Anchor("", "a" * 64, "2025-12-01", tuple(then))
    return decide_regression(golden, _LIMITS, anchor).outcome


def measure_golden() -> Measured:
    """Return row 7."""
    blocked = {(n, churn): min(1.0, 2 * outcomes(n, 0.0, churn)["worse"]) for n in _SIZES for churn in _CHURNS}
    worst = max(blocked, key=lambda key: blocked[key])
    loss = {churn: outcomes(200, -0.05, churn) for churn in (0.05, 0.06, 0.08, 0.10)}
    passes, fails = max(each["within"] for each in loss.values()), min(each["worse"] for each in loss.values())
    trials = 1000
    seen = sum(simulate(np.random.default_rng((7, i)), 200, 0.0, 0.08) == "failed" for i in range(trials))
    worse = sum(simulate(np.random.default_rng((7, 1, i)), 200, -0.05, 0.10) == "failed" for i in range(trials))
    curves = tuple(
        Curve(f"churn {100 * churn:.0f} %", tuple((float(n), 100 * blocked[n, churn]) for n in _SIZES))
        for churn in _CHURNS
    )
    figures: list[Figure] = [
        exact(f"equal model blocked, golden and anchor, worst of all (n = {worst[0]}, churn {worst[1]:.0%}), at most",
              blocked[worst], at_most=0.06),
        exact("-5 points, 200 items, churn up to 10 %: passes", passes, at_most=0.055),
        exact("-5 points, 200 items, churn up to 10 %: fails", fails, at_least=0.60),
        counted("the check itself, simulated with an anchor: equal model, 200 items, churn 8 %, blocked", seen, trials,
                at_most=0.06),
        counted("the check itself, -5 points, 200 items, churn 10 %, live and anchor alike: blocked", worse, trials,
                at_least=0.60),
    ]  # fmt: skip
    plot = Plot("golden_blocks", "An equal model blocked by golden set and anchor, exact bound", "golden items",
                "% of cycles", curves, 6.0)  # fmt: skip
    return Measured((*figures, cross_check(trials)), (plot,))


def cross_check(trials: int, size: int = 33, churn: float = 0.10) -> Figure:
    """Return how often the rule blocks simulated counts of six classes of `size`, beside the exact chance."""
    generator = np.random.default_rng(77)
    share = [churn / 2, churn / 2, 1 - churn]
    hits = sum(_is_worse(generator.multinomial(size, share, _CLASSES).tolist()) for _ in range(trials))
    n = _CLASSES * size
    computed = outcomes(n, 0.0, churn)["worse"]
    return agrees(f"cross-check by {trials:,} simulated sets of {n}, churn {churn:.0%}: worse than live", hits, trials,
                  computed)  # fmt: skip


def _is_worse(counts: Sequence[Sequence[int]]) -> bool:
    classes = {str(i): PairedCounts(sum(row), row[0], row[1]) for i, row in enumerate(counts)}
    n, losses, gains = (sum(getattr(each, key) for each in classes.values()) for key in ("n", "losses", "gains"))
    whole = PairedCounts(n, losses, gains)
    margin = _LIMITS.max_golden_loss
    return judge_paired(whole, margin, alpha=WORSE_ALPHA, classes=classes, class_alpha=CLASS_ALPHA).shown == "worse"
