"""First model of a classifier against the simple baselines, item by item: it has no live adapter to compare with.

Add here what a first model must show beside `beats_baselines.py`; its floors on the golden set are `golden_floor.py`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ratchet.gates.paired_rule import describe_difference, judge_paired
from ratchet.metrics.paired_difference import PairedCounts

FIRST_ALPHA = 0.005
"""One-sided error of "worse than a simple baseline", shared among the baselines."""


def pair_first(baselines: Mapping[str, Mapping[str, Any]], n: int, margin: float) -> dict[str, Any] | None:
    """Return what a receipt holds of a first model on `n` test items: items that only it or a baseline gets right.

    None where the figures of the `baselines` hold no such counts, as in reports of an earlier version.
    """
    pairs = {
        name: {"losses": figures["only_baseline_right"], "gains": figures["only_candidate_right"]}
        for name, figures in baselines.items()
        if "only_baseline_right" in figures
    }
    return {"n": n, "margin": margin, "pairs": pairs} if pairs else None


def judge_first(first: Mapping[str, Any], names: Sequence[str]) -> tuple[str, str]:
    """Return `within`, `worse` or `undecided` for a first model beside the baselines `names`, and the sentence.

    It is within the margin of the best of them where it is within that of each.
    """
    margin, n = first["margin"], first["n"]
    words = {"within": f"within {100 * margin:g}", "worse": "worse, shown", "undecided": "undecided"}
    shown, parts = set[str](), []
    for name in names:
        counts = PairedCounts(n, first["pairs"][name]["losses"], first["pairs"][name]["gains"])
        found = judge_paired(counts, margin, alpha=FIRST_ALPHA / len(names))
        shown.add(found.shown)
        parts.append(f"{name} {describe_difference(counts, found.interval)}, {words[found.shown]}")
    overall = next(each for each in ("worse", "undecided", "within") if each in shown)
    return overall, f"As a first model on {n} test items against {'; '.join(parts)}."
