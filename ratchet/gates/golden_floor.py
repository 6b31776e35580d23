"""Floors of `golden_set_regression` for a first candidate, which has no live adapter to be compared with.

Add here an absolute demand on golden answers; differences from another adapter are in `golden_set_regression.py`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ratchet.config.policy import Limits
from ratchet.core.verdict import Verdict


def floor_evidence(answers: Sequence[tuple[str, str]], limits: Limits, *, has_live: bool) -> dict[str, Any]:
    """Return the evidence on `answers` of label and prediction; `has_live` where live exists and gets none right."""
    recalls = {}
    for label in dict.fromkeys(label for label, _ in answers):
        mine = [predicted for each, predicted in answers if each == label]
        recalls[label] = mine.count(label) / len(mine)
    return {
        "n": len(answers),
        "accuracy": sum(label == predicted for label, predicted in answers) / len(answers),
        "recall": recalls,
        "floor": limits.golden_floor,
        "floor_per_class": limits.golden_floor_per_class,
        "has_live": has_live,
    }


def judge_floor(evidence: Mapping[str, Any]) -> Verdict:
    """Verdict that follows from the evidence of a receipt: the floor itself is enough, over all and in each class.

    A receipt of an earlier version does not say whether there was a live adapter.
    """
    accuracy, recalls, floor = evidence["accuracy"], evidence["recall"], evidence["floor_per_class"]
    low = {label: recall for label, recall in recalls.items() if recall < floor}
    live = "live gets none right" if evidence.get("has_live") else "no live adapter"
    reached = f"{live}: golden accuracy {accuracy:.3f} (floor {evidence['floor']})"
    if accuracy < evidence["floor"] or low:
        named = f"; recall under {floor}: " + ", ".join(f"{k} {v:.2f}" for k, v in low.items()) if low else ""
        return Verdict("failed", f"Fails: {reached}{named}.", dict(evidence))
    return Verdict("passed", f"Passes: {reached}, lowest recall {min(recalls.values()):.2f}.", dict(evidence))
