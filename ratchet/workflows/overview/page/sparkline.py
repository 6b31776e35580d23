"""Sparkline of a card: macro-F1 of test and golden set over the newest weeks, with the weeks that were blocked.

Add here another line of the drawing. The year in full, with intervals, is the trends page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

WIDTH, HEIGHT, MARGIN = 220.0, 46.0, 5.0
_LEAST_SPAN = 0.05
"""Smallest range of the axis: a change of a thousandth must not look like a fall."""


@dataclass(frozen=True)
class FigureLine:
    """One line: its path with a gap where a week has no figure, and the place of its newest figure."""

    name: str
    path: str
    x: float
    y: float


@dataclass(frozen=True)
class Sparkline:
    """Lines of test and golden set, the places of blocked weeks, and the sentence for who does not see it."""

    lines: tuple[FigureLine, ...]
    blocked: tuple[float, ...]
    newest: int
    """Index of the newest week that has a figure."""
    words: str


def draw_sparkline(weeks: Sequence[Mapping[str, Any]]) -> Sparkline | None:
    """Return the drawing of `weeks`, oldest first; None where no week has a figure.

    Weeks stand at their dates, so that one that did not run is a gap.
    """
    values = [row[name] for row in weeks for name in ("test", "golden") if row[name] is not None]
    if not values:
        return None
    days = [date.fromisoformat(row["week"]).toordinal() for row in weeks]
    low, high = min(values), max(values)
    middle, span = (low + high) / 2, max(high - low, _LEAST_SPAN)
    bottom, first, length = middle - span / 2, days[0], max(days[-1] - days[0], 7)

    def place(day: int, value: float) -> tuple[float, float]:
        x = MARGIN + (WIDTH - 2 * MARGIN) * (day - first) / length
        y = HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * (value - bottom) / span
        return round(x, 1), round(y, 1)

    lines = []
    for name in ("test", "golden"):
        points = [(day, row[name]) for day, row in zip(days, weeks, strict=True)]
        known = [place(day, value) for day, value in points if value is not None]
        if known:
            lines.append(FigureLine(name, _path(points, place), *known[-1]))
    blocked = [place(day, bottom)[0] for day, row in zip(days, weeks, strict=True) if row["verdict"] == "blocked"]
    words = f"Macro-F1 of {len(weeks)} weeks, {low:.3f} to {high:.3f}; {len(blocked)} blocked"
    newest = max(i for i, row in enumerate(weeks) if row["test"] is not None or row["golden"] is not None)
    return Sparkline(tuple(lines), tuple(blocked), newest, words)


def _path(points: Sequence[tuple[int, float | None]], place: Any) -> str:
    path, pen = [], "M"
    for day, value in points:
        if value is None:
            pen = "M"
            continue
        x, y = place(day, value)
        path.append(f"{pen}{x:g} {y:g}")
        pen = "L"
    return "".join(path)
