"""Golden-set regression: the candidate against live, and against the adapter of 13 weeks ago, on the golden set.

Add here how a difference on the golden set becomes a verdict. The rule in three values is `paired_rule.py`, the
anchor's answers are read in `golden_anchor.py`, the floors of a first candidate are `golden_floor.py`, and receipts of
the former rule are derived in `golden_loss_limit.py`. Evidence of live traffic is in `ratchet/rollout/`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ratchet.config.policy import Limits
from ratchet.core.verdict import Verdict
from ratchet.gates.golden_anchor import NO_ANCHOR, Anchor, anchor_evidence, judge_anchor
from ratchet.gates.golden_floor import floor_evidence, judge_floor
from ratchet.gates.golden_loss_limit import as_of_before, decide_loss_limit
from ratchet.gates.paired_rule import (
    CLASS_ALPHA,
    WORSE_ALPHA,
    describe_classes,
    describe_difference,
    describe_reach,
    judge_paired,
)
from ratchet.metrics.paired_difference import PairedCounts

GOLDEN_RULE = 2
"""Revision of the rule, which its evidence names; the first counted losses alone against a limit."""
GOLDEN_SQL = """
SELECT c.item, c.text, c.label, c.predicted AS candidate, l.predicted AS live, l.adapter AS live_adapter
FROM predictions c LEFT JOIN predictions l
  ON l.classifier = c.classifier AND l.week = c.week AND l.model = 'live' AND l.split = c.split AND l.item = c.item
WHERE c.classifier = $classifier AND c.week = $week AND c.model = 'candidate' AND c.adapter = $adapter AND c.split =
'golden'
ORDER BY length(c.item), c.item
"""
"""Predictions of the candidate, and of live where there is one, for each golden item of one cycle."""

_NAMED = 10


@dataclass(frozen=True)
class GoldenAnswer:
    """One golden item with the predictions of the candidate and of live (None: no live adapter yet)."""

    item: str
    label: str
    candidate: str
    live: str | None

    @property
    def lost(self) -> bool:
        """True where live gets the item right and the candidate does not."""
        return self.live == self.label != self.candidate

    @property
    def gained(self) -> bool:
        """True where the candidate gets the item right and live does not."""
        return self.candidate == self.label != self.live


def read_golden_answers(rows: Sequence[Mapping[Any, Any]]) -> list[GoldenAnswer]:
    """Return the rows of `GOLDEN_SQL` as answers; a missing answer of live is None."""
    return [
        GoldenAnswer(row["item"], row["label"], row["candidate"], row["live"] if isinstance(row["live"], str) else None)
        for row in rows
    ]


def decide_regression(
    answers: Sequence[GoldenAnswer],
    limits: Limits,
    anchor: Anchor | Mapping[str, Any] = NO_ANCHOR,
    *,
    rule: int = GOLDEN_RULE,
) -> Verdict:
    """Decide whether the candidate is within `max_golden_loss` of live, is worse, or cannot be distinguished from it.

    It passes where the lower end of the paired difference is above -`max_golden_loss`; else it fails where the upper
    end is below 0 or a class shows a loss, and where the same is shown against the `anchor` (its answers, or what a
    receipt holds of it). Else it is undecided: that proves nothing and does not block. Without a live adapter, or with
    one that gets nothing right, the candidate must reach the absolute floors instead. `rule` is that of the receipt
    which is decided again. Raises ValueError for an empty golden set.
    """
    if not answers:
        raise ValueError("the golden set is empty")
    if not any(answer.live == answer.label for answer in answers):
        rows = [(answer.label, answer.candidate) for answer in answers]
        found = floor_evidence(rows, limits, has_live=any(answer.live is not None for answer in answers))
        return judge_floor(found)
    lost, gained = ([a for a in answers if getattr(a, each)] for each in ("lost", "gained"))
    evidence: dict[str, Any] = {
        "n": len(answers),
        "live_right": sum(a.live == a.label for a in answers),
        "lost": [vars(answer) for answer in lost],
        "limit": limits.max_golden_loss,
        "classes": _count_classes(answers),
    }
    if rule < GOLDEN_RULE:
        return decide_loss_limit(as_of_before(evidence), limits.min_golden_per_class)
    against = (
        anchor_evidence(anchor, [(a.label, a.candidate) for a in answers])
        if isinstance(anchor, Anchor)
        else dict(anchor)
    )
    return _judge({"rule": rule, **evidence, "gained": [vars(answer) for answer in gained], "anchor": against})


def decide_from_evidence(evidence: Mapping[str, Any]) -> Verdict:
    """Verdict that follows from the evidence of a receipt; KeyError where it lacks something."""
    if "floor" in evidence:
        return judge_floor(evidence)
    return decide_loss_limit(evidence) if "rule" not in evidence else _judge(evidence)


def _count_classes(answers: Sequence[GoldenAnswer]) -> dict[str, dict[str, int]]:
    classes = {label: [a for a in answers if a.label == label] for label in dict.fromkeys(a.label for a in answers)}
    return {
        label: {
            "n": len(mine),
            "live_right": sum(a.live == label for a in mine),
            "lost": sum(a.lost for a in mine),
        }
        for label, mine in classes.items()
    }


def _judge(evidence: Mapping[str, Any]) -> Verdict:
    margin, n, lost, gained = (evidence[key] for key in ("limit", "n", "lost", "gained"))
    losses, gains = (Counter(each["label"] for each in items) for items in (lost, gained))
    classes = {
        label: PairedCounts(each["n"], losses[label], gains[label]) for label, each in evidence["classes"].items()
    }
    whole = PairedCounts(n, len(lost), len(gained))
    if sum(each.n for each in classes.values()) != n:
        raise ValueError("the classes do not add up to the golden set")
    found = judge_paired(whole, margin, alpha=WORSE_ALPHA, classes=classes, class_alpha=CLASS_ALPHA)
    drift, drifted, of_anchor = judge_anchor(evidence["anchor"], margin)
    kept = {
        **evidence,
        "classes": {
            label: {**evidence["classes"][label], "lost": each.losses, "gained": each.gains}
            for label, each in classes.items()
        },
        "churn": whole.churn,
        "interval": list(found.interval),
        "anchor": of_anchor,
    }
    names = ", ".join(each["item"] for each in lost[:_NAMED])
    counted = (
        f"of {n} golden items {len(lost)} that live gets right are lost and {len(gained)} gained,"
        f" {describe_difference(whole, found.interval)}"
    )
    named = f"; lost: {names}{' ...' if len(lost) > _NAMED else ''}" if lost else ""
    within = f"; within class: {describe_classes(classes, found.classes)}" if found.classes else ""
    if found.shown == "worse" or drifted:
        return Verdict("failed", f"Fails: {counted}{within}{named}. {drift}", kept)
    if found.shown == "within":
        return Verdict("passed", f"Passes: {counted}, so within {100 * margin:g}{named}. {drift}", kept)
    reach = describe_reach(n, whole.churn, margin)
    return Verdict(
        "inconclusive",
        f"No verdict: {counted}: neither within {100 * margin:g} nor worse is shown{named}. {reach} The rollout's"
        f" labels decide. {drift}",
        kept,
    )


def describe_power(answers: Sequence[GoldenAnswer], margin: float) -> str:
    """Describe what this golden set can show, at the share of answers that differ from live's."""
    if all(answer.live is None for answer in answers):
        return describe_reach(len(answers), None, margin)
    churn = sum(answer.lost or answer.gained for answer in answers) / len(answers) if answers else 0.0
    return describe_reach(len(answers), churn, margin)
