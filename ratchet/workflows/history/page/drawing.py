"""Places of a chart over weeks: a path for each figure, with gaps where a week has none, and the marks of the weeks.

Add here another thing that is drawn over weeks; which figures are drawn is `charts.py`, the SVG is a template.
Places are rounded to a tenth of a pixel: a year of thirty labels has to fit into one small page.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from ratchet.evaluation.report.formatting import join_key
from ratchet.evaluation.report.scales import Scale, pick_ticks, write_ticks
from ratchet.workflows.history.page.charts import Chart, Series

Values = Sequence[Any]


@dataclass(frozen=True)
class Size:
    """Pixels of a chart, and of its plot within."""

    width: int = 360
    height: int = 176
    left: int = 40
    right: int = 352
    top: int = 16
    bottom: int = 136

    @property
    def lane(self) -> int:
        """Height of the marks below the plot."""
        return self.bottom + 11


LARGE, SMALL = Size(), Size(150, 66, 4, 146, 6, 52)


@dataclass(frozen=True)
class Line:
    """One drawn figure: its line and dots, the ends of its intervals, and the newest week that has it."""

    series: Series
    path: str
    dots: str
    intervals: str
    newest: int
    """Index of the newest week that has the figure."""
    key: str
    """Key of its newest value in the document."""


@dataclass(frozen=True)
class Drawn:
    """A chart with all its places."""

    chart: Chart
    size: Size
    scale: Scale
    ticks: tuple[tuple[float, str], ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Axis:
    """Weeks from left to right, by the calendar: a week without a run leaves its place empty."""

    weeks: tuple[date, ...]
    size: Size

    def at(self, index: int) -> float:
        """Return the pixel of a week; a single one stands in the middle."""
        span = (self.weeks[-1] - self.weeks[0]).days
        share = (self.weeks[index] - self.weeks[0]).days / span if span else 0.5
        return round(self.size.left + 4 + share * (self.size.right - self.size.left - 8), 1)

    def follows(self, index: int) -> bool:
        """Return True where a week is the calendar's next after the row before."""
        return index > 0 and (self.weeks[index] - self.weeks[index - 1]).days == 7

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """First, middle and last week, with their places; those that would overlap are left out."""
        chosen = sorted({0, len(self.weeks) // 2, len(self.weeks) - 1})
        return [(self.at(index), str(self.weeks[index])) for index in chosen][:: 2 if len(self.weeks) == 2 else 1]


def draw_chart(chart: Chart, weeks: Sequence[Mapping[str, Any]], size: Size = LARGE) -> Drawn | None:
    """Return a chart of `metrics` over the weeks, None where no week has any of its figures."""
    found = {name: [row["metrics"][name] for row in weeks] for series in chart.series for name in _names(series)}
    keys = {series.key: ("metrics", series.key) for series in chart.series}
    return _draw(chart, found, keys, [row["week"] for row in weeks], size)


def draw_label(chart: Chart, label: str, weeks: Sequence[Mapping[str, Any]], scale: Scale) -> Drawn | None:
    """Return the small chart of one label's F1 on the `scale` that all labels share."""
    found = {"f1": [(row["metrics"]["labels"].get(label) or {}).get("f1") for row in weeks]}
    keys = {"f1": ("metrics", "labels", label, "f1")}
    return _draw(chart, found, keys, [row["week"] for row in weeks], SMALL, scale)


def span_labels(weeks: Sequence[Mapping[str, Any]]) -> Scale:
    """Return the scale of all labels' F1."""
    found = [each["f1"] for row in weeks for each in row["metrics"]["labels"].values() if each["f1"] is not None]
    low = min(found, default=0.0)
    return Scale(max(0.0, low - 0.05) if low < 1 else 0.0, 1.0, SMALL.bottom, SMALL.top)


def _draw(
    chart: Chart, found: Mapping[str, Values], keys: Mapping[str, tuple[str, ...]], days: Sequence[str], size: Size,
    scale: Scale | None = None,
) -> Drawn | None:  # fmt: skip
    axis = Axis(tuple(date.fromisoformat(day) for day in days), size)
    spread = list(_numbers(found))
    if not any(value is not None for series in chart.series if series.style != "limit" for value in found[series.key]):
        return None
    scale = scale or _scale(min(spread), max(spread), size, from_zero=chart.from_zero)
    ticks = pick_ticks(scale.low, scale.high, 4)
    lines = tuple(
        _line(series, found, keys[series.key], axis, scale)
        for series in chart.series
        if any(value is not None for value in found[series.key])
    )
    return Drawn(chart, size, scale, tuple(zip(map(scale.at, ticks), write_ticks(ticks), strict=True)), lines)


def _line(
    series: Series, found: Mapping[str, Values], key: tuple[str, ...], axis: Axis, scale: Scale
) -> Line:  # fmt: skip
    values, steps, dots = found[series.key], list[str](), list[str]()
    for index, value in enumerate(values):
        if value is None:
            continue
        place = f"{axis.at(index):g} {round(scale.at(value), 1):g}"
        joined = axis.follows(index) and values[index - 1] is not None
        steps.append(f"{'L' if joined else 'M'}{place}")
        dots.append(f"M{place}h0")
    ends = [
        f"M{axis.at(index):g} {round(scale.at(pair[0]), 1):g}V{round(scale.at(pair[1]), 1):g}"
        for index, pair in enumerate(found[series.interval] if series.interval else ())
        if pair is not None
    ]
    newest = max(index for index, value in enumerate(values) if value is not None)
    return Line(series, "".join(steps), "".join(dots), "".join(ends), newest, join_key("weeks", newest, *key))


def _names(series: Series) -> tuple[str, ...]:
    return (series.key, series.interval) if series.interval else (series.key,)


def _numbers(found: Mapping[str, Values]) -> Iterator[float]:
    for values in found.values():
        for value in values:
            if value is not None:
                yield from value if isinstance(value, list) else (value,)


def _scale(low: float, high: float, size: Size, *, from_zero: bool) -> Scale:
    low = min(0.0, low) if from_zero else low
    room = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
    return Scale(low if from_zero and low == 0 else low - room, high + room, size.bottom, size.top)
