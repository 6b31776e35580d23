"""Anchor of `golden_set_regression`: the golden answers of the adapter of 13 weeks ago, against slow drift.

Add here where the anchor's answers come from; how a difference is judged is in `paired_rule.py`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from ratchet.data.label_rules import LabelRules
from ratchet.gates.paired_rule import CLASS_ALPHA, WORSE_ALPHA, describe_classes, describe_difference, judge_paired
from ratchet.metrics.paired_difference import PairedCounts

ANCHOR_WEEKS = 13

ANCHOR_SQL = """
WITH old AS (
    SELECT week, model, adapter, item, text, label, predicted FROM predictions
    WHERE classifier = $classifier AND split = 'golden' AND model IN ('candidate', 'live')
      AND week <= CAST($week AS DATE) - INTERVAL 13 WEEK
      AND adapter IN (SELECT adapter FROM predictions WHERE classifier = $classifier AND model = 'live')
)
SELECT week, adapter, text, label, predicted FROM old
WHERE (week, model) = (SELECT (week, model) FROM old ORDER BY week DESC, model DESC LIMIT 1)
ORDER BY length(item), item
"""
"""Golden answers of the adapter that was live 13 weeks before the cycle: of the newest week so old that has any, and
there of live rather than of a candidate that became live later. What a later live answered again counts for nothing."""

_WHY = {
    "young": "no answers are 13 weeks old yet, so slow drift is not judged",
    "gone": "the golden answers of 13 weeks ago are not stored here, so slow drift is not judged",
    "live": "live is the adapter of 13 weeks ago itself, so that slow drift is judged by it",
    "changed": "none of the golden items was answered 13 weeks ago, so slow drift is not judged",
}
Missing = Literal["", "young", "gone", "live", "changed"]


@dataclass(frozen=True)
class Anchor:
    """Golden answers of the adapter of 13 weeks ago, or the reason why there are none."""

    missing: Missing = "young"
    adapter: str = ""
    week: str = ""
    answers: tuple[str | None, ...] = ()
    """Answer on each golden item of the cycle, in their order; None where that item was another one then."""


def describe_missing(why: str) -> str:
    """Describe why an anchor is missing."""
    return _WHY[why]


def read_anchor(
    rows: Sequence[Mapping[Any, Any]],
    items: Sequence[tuple[str, str]],
    live: str | None,
    rules: LabelRules,
    *,
    weeks: Collection[str],
    week: date,
) -> Anchor:
    """Return the anchor from the rows of `ANCHOR_SQL`, for golden `items` of text and label.

    Labels of then are read by the label `rules`: an answer that was split since is read as the true label where that is
    one of its parts. An item is the same where its text and its label are. `weeks` are those of earlier cycles, `week`
    the one that is judged: where a cycle ran so long ago, its answers are gone, as after a rebuild of the warehouse.
    """
    if not rows:
        ran = any(each <= str(week - timedelta(weeks=ANCHOR_WEEKS)) for each in weeks)
        return Anchor("gone" if ran else "young")
    adapter, then_week = str(rows[0]["adapter"]), str(rows[0]["week"])[:10]
    if adapter == live:
        return Anchor("live", adapter, then_week)
    then: dict[tuple[str, str], str] = {}
    for row in rows:
        truth, answer = rules.read(str(row["label"])).parts, rules.read(str(row["predicted"])).parts
        if len(truth) == 1:
            then[str(row["text"]), truth[0]] = truth[0] if truth[0] in answer else next(iter(answer), "")
    found = tuple(then.get(item) for item in items)
    return Anchor("" if any(each is not None for each in found) else "changed", adapter, then_week, found)


NO_ANCHOR = Anchor()


def anchor_evidence(anchor: Anchor, answers: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return what a receipt holds of the comparison: counts by class, or why the anchor is missing.

    `answers` are the label and the candidate's prediction of each golden item.
    """
    found = {"missing": anchor.missing, "adapter": anchor.adapter, "week": anchor.week}
    if anchor.missing:
        return found
    pairs = [
        (label, mine, then) for (label, mine), then in zip(answers, anchor.answers, strict=True) if then is not None
    ]
    by_class = {
        label: {
            "n": sum(each == label for each, _, _ in pairs),
            "lost": sum(each == then == label != mine for each, mine, then in pairs),
            "gained": sum(each == mine == label != then for each, mine, then in pairs),
        }
        for label in dict.fromkeys(label for label, _, _ in pairs)
    }
    return {**found, "n": len(pairs), "left_out": len(answers) - len(pairs), "classes": by_class}


def judge_anchor(anchor: Mapping[str, Any], margin: float) -> tuple[str, bool, dict[str, Any]]:
    """Return the sentence on the anchor, True where the candidate is shown to be worse, and what the receipt holds."""
    if anchor["missing"]:
        return f"Slow drift: {describe_missing(anchor['missing'])}.", False, dict(anchor)
    classes = {
        label: PairedCounts(each["n"], each["lost"], each["gained"]) for label, each in anchor["classes"].items()
    }
    whole = PairedCounts(
        anchor["n"], sum(each.losses for each in classes.values()), sum(each.gains for each in classes.values())
    )
    found = judge_paired(whole, margin, alpha=WORSE_ALPHA, classes=classes, class_alpha=CLASS_ALPHA)
    shown = {"within": f"within {100 * margin:g}", "worse": "worse, shown", "undecided": "undecided"}[found.shown]
    others = f" on the {whole.n} items that were the same then" if anchor["left_out"] else ""
    within = f"; within class: {describe_classes(classes, found.classes)}" if found.classes else ""
    sentence = (
        f"Slow drift: against {anchor['adapter'][:12]}, live in {anchor['week']},{others}"
        f" {describe_difference(whole, found.interval)}, {shown}{within}."
    )
    kept = {**anchor, "lost": whole.losses, "gained": whole.gains, "interval": list(found.interval)}
    return sentence, found.shown == "worse", kept
