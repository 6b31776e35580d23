"""Rule in three values for two models on the same items: within the margin, worse, or undecided.

Add here what the gates that compare two models share: how a difference over all and within classes is judged and put
into words. The figures are in `ratchet/metrics/paired_difference.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Literal

from ratchet.metrics.paired_difference import ALPHA_WITHIN, PairedCounts, needed_items, smallest_margin

WORSE_ALPHA = 0.025
"""One-sided error of "worse" on the golden set, for live and for the anchor each."""
CLASS_ALPHA = 0.005
"""Error of all classes of a golden set together; exact tests of few items spend less than half of it."""
ASSUMED_CHURN = 0.1
"""Share of answers that differ, where nothing was compared yet."""
_TIE = 1e-12


@dataclass(frozen=True)
class PairedFinding:
    """Result of the rule: what is shown, the deciding interval, and the classes that show a loss."""

    shown: Literal["within", "worse", "undecided"]
    interval: tuple[float, float]
    """Lower end with 5 % of error, upper end with that of the gate."""
    classes: tuple[str, ...]


def judge_paired(
    counts: PairedCounts,
    margin: float,
    *,
    alpha: float,
    classes: Mapping[str, PairedCounts] | None = None,
    class_alpha: float = 0.0,
) -> PairedFinding:
    """Judge the second of two models: *within* where the lower end of the difference is above -`margin`, else *worse*
    where its upper end, of the one-sided error `alpha`, is below 0, else *undecided*.

    A class shows a loss where the exact one-sided test rejects at `class_alpha` divided by the number of classes, and
    its own lower end is not above -`margin`. Such a loss is *worse* whatever the whole shows: the loss of a small class
    disappears in the overall difference. Every model is within a margin of 1, which turns the rule off.
    """
    by_class = classes or {}
    lost = tuple(
        label
        for label, mine in by_class.items()
        if mine.losses > mine.gains
        and mine.loss_p <= class_alpha / len(by_class) + _TIE
        and mine.interval(ALPHA_WITHIN, alpha)[0] <= -margin
        and margin < 1
    )
    low, high = counts.interval(ALPHA_WITHIN, alpha)
    if lost:
        return PairedFinding("worse", (low, high), lost)
    if low > -margin or margin >= 1:
        return PairedFinding("within", (low, high), ())
    return PairedFinding("worse" if high < 0 else "undecided", (low, high), ())


def describe_difference(counts: PairedCounts, interval: tuple[float, float]) -> str:
    """Describe a difference with its deciding interval, in points."""
    low, high = interval
    return f"{100 * counts.difference:+.1f} points [{100 * low:+.1f}, {100 * high:+.1f}]"


def describe_classes(classes: Mapping[str, PairedCounts], named: tuple[str, ...]) -> str:
    """Describe the losses of the classes `named`, '' for none."""
    return ", ".join(f"{each} {classes[each].losses} lost and {classes[each].gains} gained" for each in named)


def describe_reach(n: int, churn: float | None, margin: float, what: str = "golden set") -> str:
    """Describe what a set of `n` items can show at the share of answers that differ (None: not known yet)."""
    at = "where one answer in ten differs" if churn is None else f"at your churn of {100 * churn:.0f} %"
    share = ASSUMED_CHURN if churn is None else churn
    points, lacks = 100 * smallest_margin(n, share), needed_items(share, margin) - n if margin > 0 else 0
    shown = f"{ceil(points - 1e-9)} points" if points > 1 else "1 point"
    if margin <= 0:
        return f"This {what} of {n} can show {shown} {at}; none can show a margin of 0."
    rest = (
        f"for {100 * margin:g} it lacks {lacks} item{'' if lacks == 1 else 's'}"
        if lacks > 0
        else f"enough for {100 * margin:g}"
    )
    return f"This {what} of {n} can show {shown} {at}; {rest}."
