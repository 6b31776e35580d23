"""Marks of the weeks in a chart: where each stands, its shape, and the sentence that it carries.

Add here the shape of another mark; marks are found in `ratchet/workflows/history/marks.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from ratchet.workflows.history.page.drawing import Axis, Size

WORDS = {
    "promoted": "promoted",
    "rolled_back": "rolled back",
    "rejected": "rejected",
    "expired": "expired",
    "blocked": "blocked",
    "error": "stopped by an error",
    "unfinished": "unfinished",
}
ABOVE = ("promoted",)
"""Marks that stand above the plot; the others stand below it."""


@dataclass(frozen=True)
class WeekMark:
    """One shape at a week."""

    x: float
    word: str
    sentence: str

    @property
    def is_above(self) -> bool:
        """True for a mark above the plot."""
        return self.word in ABOVE


def place_marks(weeks: Sequence[Mapping[str, Any]], size: Size) -> list[WeekMark]:
    """Return the marks of all weeks: one of a kind for each week, and one for a verdict that no event tells."""
    axis = Axis(tuple(date.fromisoformat(row["week"]) for row in weeks), size)
    found = []
    for index, row in enumerate(weeks):
        sentences = {event["mark"]: f"{row['week']} {_words(event)}" for event in row["events"]}
        if row["verdict"] in {"blocked", "error", "unfinished"}:
            by = f" by {row['gate']}" if row["gate"] else ""
            sentences[row["verdict"]] = f"{row['week']} {WORDS[row['verdict']]}{by}: {row['reason']}"
        found += [WeekMark(axis.at(index), word, sentence) for word, sentence in sentences.items() if word in WORDS]
    return found


def _words(event: Mapping[str, Any]) -> str:
    by = f" by {event['by']}" if event["by"] else ""
    return f"{WORDS.get(event['mark'], event['mark'])}{by} on {event['at'][:10]}: {event['reason']}"
