"""Former rule of `golden_set_regression`, which counted losses against a limit: it derives receipts of before.

Add nothing here: receipts of the present rule are judged in `golden_set_regression.py`.
"""

from collections.abc import Mapping
from typing import Any

from ratchet.core.verdict import Verdict
from ratchet.metrics.intervals import smallest_excludable_share

_NAMED = 10
_AS_SHIPPED = 40
_ALPHA = 0.05


def decide_loss_limit(evidence: Mapping[str, Any], min_per_class: int | None = None) -> Verdict:
    """Return the verdict that counted what is lost of what live gets right, over all and within each class.

    A class of `min_per_class` items is judged by its share of losses, a smaller one by the exact binomial test. Where
    that number is not known, raises KeyError if the verdict depends on it.
    """
    if min_per_class is not None:
        return _decide(evidence, min_per_class)
    sizes = [each["live_right"] for each in evidence["classes"].values()]
    if len({_decide(evidence, n).outcome for n in {1, *(size + 1 for size in sizes)}}) > 1:
        raise KeyError("min_golden_per_class")
    return _decide(evidence, _AS_SHIPPED)


def as_of_before(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of the former evidence from those of now, whose classes hold their size as well."""
    classes = {
        label: {"live_right": each["live_right"], "lost": each["lost"]} for label, each in evidence["classes"].items()
    }
    smallest = smallest_excludable_share(evidence["live_right"])
    return {**evidence, "classes": classes, "smallest_excludable_loss": smallest}


def _decide(evidence: Mapping[str, Any], min_per_class: int) -> Verdict:
    kept, lost, limit = evidence["live_right"], evidence["lost"], evidence["limit"]
    share, classes = len(lost) / kept, evidence["classes"]
    bad = [label for label, each in classes.items() if _class_regressed(each, limit, min_per_class)]
    counted = f"{len(lost)} of {kept} golden items that live gets right are lost ({share:.1%}, limit {limit:.0%})"
    names = ", ".join(each["item"] for each in lost[:_NAMED])
    named = f"; lost: {names}{' ...' if len(lost) > _NAMED else ''}" if lost else ""
    if share > limit or bad:
        counts = [f"{label} {classes[label]['lost']} of {classes[label]['live_right']}" for label in bad]
        within = f"; within class: {', '.join(counts)}" if counts else ""
        return Verdict("failed", f"Fails: {counted}{within}{named}.", dict(evidence))
    return Verdict("passed", f"Passes: {counted}{named}.", dict(evidence))


def _class_regressed(counts: Mapping[str, int], limit: float, min_per_class: int) -> bool:
    from scipy.stats import binomtest

    lost, n = counts["lost"], counts["live_right"]
    if n == 0 or lost / n <= limit:
        return False
    if n >= min_per_class:
        return True
    return bool(binomtest(lost, n, limit, alternative="greater").pvalue < _ALPHA)
