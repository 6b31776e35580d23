"""Golden-set regression: golden items that live gets right and the candidate gets wrong.

Add here how losses on the golden set are judged. Overall metrics are in `ratchet/metrics/classification.py`; evidence
of live traffic is in `ratchet/rollout/`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ratchet.config.policy import Limits
from ratchet.core.verdict import Verdict
from ratchet.metrics.intervals import smallest_excludable_share

GOLDEN_SQL = """
SELECT c.item, c.label, c.predicted AS candidate, l.predicted AS live
FROM predictions c LEFT JOIN predictions l
  ON l.classifier = c.classifier AND l.week = c.week AND l.model = 'live' AND l.split = c.split AND l.item = c.item
WHERE c.classifier = $classifier AND c.week = $week AND c.model = 'candidate' AND c.adapter = $adapter AND c.split =
'golden'
ORDER BY length(c.item), c.item
"""
"""Predictions of the candidate, and of live where there is one, for each golden item of one cycle."""

_NAMED = 10
_ALPHA = 0.05


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


def read_golden_answers(rows: Sequence[Mapping[Any, Any]]) -> list[GoldenAnswer]:
    """Return the rows of `GOLDEN_SQL` as answers; a missing answer of live is None."""
    return [
        GoldenAnswer(row["item"], row["label"], row["candidate"], row["live"] if isinstance(row["live"], str) else None)
        for row in rows
    ]


def decide_regression(answers: Sequence[GoldenAnswer], limits: Limits) -> Verdict:
    """Decide whether at most `max_golden_loss` of what live gets right is lost, over all and within each class.

    Without a live adapter, or with one that gets nothing right, the candidate must reach the absolute floors instead.
    Raises ValueError for an empty golden set.
    """
    if not answers:
        raise ValueError("the golden set is empty")
    kept = [answer for answer in answers if answer.live == answer.label]
    if not kept:
        return _decide_floor(answers, limits)
    lost = [answer for answer in kept if answer.lost]
    share = len(lost) / len(kept) if kept else 0.0
    classes = {label: [a for a in kept if a.label == label] for label in dict.fromkeys(a.label for a in answers)}
    # Every class is judged too: the loss of a whole small class would disappear in the overall share.
    bad = [label for label, mine in classes.items() if _class_regressed(sum(a.lost for a in mine), len(mine), limits)]
    evidence: dict[str, Any] = {
        "n": len(answers), "live_right": len(kept), "lost": [vars(answer) for answer in lost],
        "limit": limits.max_golden_loss,
        "classes": {label: {"live_right": len(mine), "lost": sum(a.lost for a in mine)} for label,
        mine in classes.items()},
        "smallest_excludable_loss": smallest_excludable_share(len(kept)),
    }  # fmt: skip
    counted = (
        f"{len(lost)} of {len(kept)} golden items that live gets right are lost ({share:.1%}, limit"
        f" {limits.max_golden_loss:.0%})"
    )
    named = f"; lost: {', '.join(a.item for a in lost[:_NAMED])}{' ...' if len(lost) > _NAMED else ''}" if lost else ""
    if share > limits.max_golden_loss or bad:
        counts = [f"{label} {evidence['classes'][label]['lost']} of {len(classes[label])}" for label in bad]
        within = f"; within class: {', '.join(counts)}" if counts else ""
        return Verdict("failed", f"Fails: {counted}{within}{named}.", evidence)
    return Verdict("passed", f"Passes: {counted}{named}.", evidence)


def describe_power(answers: Sequence[GoldenAnswer]) -> str:
    """Describe the smallest loss that this golden set can reveal, at 95 % confidence.

    Only items that live gets right can be lost; without a live adapter all of them count.
    """
    live_right = [a for a in answers if a.live == a.label]
    n = len(live_right) or len(answers)
    return f"{n} golden items can only reveal losses of {100 * smallest_excludable_share(n):.1f} % or more."


def _class_regressed(lost: int, n: int, limits: Limits) -> bool:
    from scipy.stats import binomtest

    if n == 0 or lost / n <= limits.max_golden_loss:
        return False
    if n >= limits.min_golden_per_class:
        return True
    return bool(binomtest(lost, n, limits.max_golden_loss, alternative="greater").pvalue < _ALPHA)


def _decide_floor(answers: Sequence[GoldenAnswer], limits: Limits) -> Verdict:
    right = [answer for answer in answers if answer.candidate == answer.label]
    accuracy = len(right) / len(answers)
    recalls = {}
    for label in dict.fromkeys(answer.label for answer in answers):
        mine = [answer for answer in answers if answer.label == label]
        recalls[label] = sum(a.candidate == label for a in mine) / len(mine)
    low = {label: recall for label, recall in recalls.items() if recall < limits.golden_floor_per_class}
    evidence = {
        "n": len(answers), "accuracy": accuracy, "recall": recalls, "floor": limits.golden_floor,
        "floor_per_class": limits.golden_floor_per_class,
    }  # fmt: skip
    live = "no live adapter" if all(answer.live is None for answer in answers) else "live gets none right"
    reached = f"{live}: golden accuracy {accuracy:.3f} (floor {limits.golden_floor})"
    if accuracy < limits.golden_floor or low:
        classes = (
            f"; recall under {limits.golden_floor_per_class}: " + ", ".join(f"{k} {v:.2f}" for k, v in low.items())
            if low
            else ""
        )
        return Verdict("failed", f"Fails: {reached}{classes}.", evidence)
    return Verdict("passed", f"Passes: {reached}, lowest recall {min(recalls.values()):.2f}.", evidence)
