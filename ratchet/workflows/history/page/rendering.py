"""The page itself: a history in, one HTML document out, with everything escaped, at most `SIZE_AT_MOST` bytes.

Add here what the templates may call. Charts are listed in `charts.py`, places computed in `drawing.py`.
"""

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import jinja2

from ratchet.core.pages.environment import page_environment
from ratchet.core.pages.frame import Frame
from ratchet.core.pages.visible import make_visible
from ratchet.evaluation.report.formatting import format_figure, join_key, look_up
from ratchet.workflows.history.page.charts import LABEL_CHART, SECTIONS, TABLES
from ratchet.workflows.history.page.drawing import LARGE, SMALL, Axis, Drawn, draw_chart, draw_label, span_labels
from ratchet.workflows.history.page.week_marks import WORDS, place_marks

WEEKS_AT_MOST = 52
LABELS_AT_MOST = (60, 30, 15, 0)
"""Most labels that are drawn; the next number is tried where the page is too large."""
SIZE_AT_MOST = 500_000
EMPTY = "\N{EN DASH}"
_GATE_COLUMNS = ("verdicts", "blocked", "released", "promoted later", "rolled back later", "days lost")


def render_trends(document: Mapping[str, Any], frame: Frame, names: Callable[[str], str]) -> str:
    """Render a document of `load_history` inside `frame`; `names` gives the short name of an adapter.

    Raises ValueError where no page of `SIZE_AT_MOST` bytes can be made of it.
    """
    size = 0
    for labels in LABELS_AT_MOST:
        page = _render(document, frame, names, labels)
        if (size := len(page.encode())) <= SIZE_AT_MOST:
            return page
    raise ValueError(f"the page has {size} bytes; at most {SIZE_AT_MOST} are allowed")


def _render(document: Mapping[str, Any], frame: Frame, names: Callable[[str], str], labels_at_most: int) -> str:
    weeks = document["weeks"]
    marks = place_marks(weeks, LARGE)
    drawn = [(section, [(chart, draw_chart(chart, weeks)) for chart in section.charts]) for section in SECTIONS]
    labels = _labels(weeks)
    return trends_environment().get_template("trends.html.j2").render(
        document=document,
        frame=frame,
        weeks=weeks,
        names=names,
        sections=[(section, [(c, d) for c, d in found if d or not c.optional]) for section, found in drawn],
        ticks=Axis(tuple(date.fromisoformat(row["week"]) for row in weeks), LARGE).ticks if weeks else [],
        marks=marks,
        shown_marks=[word for word in WORDS if any(mark.word == word for mark in marks)],
        small_marks="".join(
            f"M{mark.x - 2:g} 56l4 4m0 -4l-4 4" for mark in place_marks(weeks, SMALL) if mark.word == "blocked"
        ),
        labels=labels[:labels_at_most],
        labels_left_out=max(0, len(labels) - labels_at_most),
        label_scale=span_labels(weeks),
        newest_report=max((i for i, row in enumerate(weeks) if row["metrics"]["labels"]), default=-1),
        newest_first=list(reversed(range(len(weeks)))),
        tables=TABLES,
        gate_columns=_GATE_COLUMNS,
        words=WORDS,
        key_of=join_key,
        visible=make_visible,
        write=lambda rounding, key: format_figure(look_up(document, key), rounding),
        write_cell=lambda rounding, key: _write_cell(look_up(document, key), rounding),
    )  # fmt: skip


def _labels(weeks: list[dict[str, Any]]) -> list[tuple[str, Drawn, str, str]]:
    """Return each label with its chart and the keys of its newest F1 and change: those of the newest report first, the
    one that lost most first."""
    scale, found = span_labels(weeks), []
    for label in dict.fromkeys(label for row in weeks for label in row["metrics"]["labels"]):
        if (drawn := draw_label(LABEL_CHART, label, weeks, scale)) is not None:
            newest = drawn.lines[0].newest
            figures = weeks[newest]["metrics"]["labels"][label]
            order = (-newest, figures["change"] or 0.0, figures["f1"], label)
            place = ("weeks", newest, "metrics", "labels", label)
            found.append((order, label, drawn, join_key(*place, "f1"), join_key(*place, "change")))
    return [(label, drawn, value, change) for _, label, drawn, value, change in sorted(found, key=lambda each: each[0])]


def _write_cell(value: Any, rounding: str) -> str:
    return EMPTY if value is None else format_figure(value, rounding)


def trends_environment() -> jinja2.Environment:
    """Return the environment of the templates of this page."""
    return page_environment(Path(__file__).parent / "templates")
