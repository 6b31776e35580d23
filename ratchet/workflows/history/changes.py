"""Changes of each label's F1 against the weeks before: which label got worse.

Add here another comparison over weeks. One week's figures are read in `week_metrics.py`.
"""

from collections.abc import Sequence
from typing import Any

BEFORE_AT_MOST = 8


def add_changes(weeks: Sequence[dict[str, Any]]) -> None:
    """Set `change` of each label of each week: its F1 minus the mean of the last eight weeks before that have it.

    None where no week before has it. Weeks are oldest first. Test sets differ from week to week: of a label with small
    support most of it is chance.
    """
    past: dict[str, list[float]] = {}
    for row in weeks:
        for label, figures in row["metrics"]["labels"].items():
            value, before = figures["f1"], past.setdefault(label, [])
            figures["change"] = value - sum(before) / len(before) if before and value is not None else None
            if value is not None:
                past[label] = [*before, value][-BEFORE_AT_MOST:]
