"""The pages themselves: a week in, one HTML document out, with everything escaped and without a script.

Add here what the templates may call. Sections of a report are the templates of `ratchet/evaluation/report/`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jinja2

import ratchet.evaluation.report as sections
from ratchet.core.pages.environment import page_environment
from ratchet.core.pages.frame import Frame
from ratchet.evaluation.report.page import describe_report
from ratchet.storage.links import Links
from ratchet.workflows.week_report.next_steps import find_next_steps
from ratchet.workflows.week_report.week_report import WeekReport

ROWS_OF_PAGE = 50
"""Texts of one page behind a cell."""


def render_week(found: WeekReport, frame: Frame, links: Links, *, environment: jinja2.Environment | None = None) -> str:
    """Render the page of a week: its report with the ways around it, or why there is none and what to do."""
    document = found.document
    made = environment or week_environment()
    run = str((found.run.get("metadata") or {}).get("invocation_id") or "")
    values: dict[str, Any] = {
        "found": found,
        "frame": frame,
        "run": links.run(run) if run else "",
        "next_steps": find_next_steps(found.classifier, found.week, found.verdict),
        "stages": found.run.get("results", ()),
    }
    if document is None:
        return made.get_template("week_without_report.html.j2").render(values)
    values["cell_way"] = lambda split, label, predicted: _way_to_cell(found.week, split, label, predicted)
    return made.get_template("week_report.html.j2").render(describe_report(document, found.digest) | values)


def _way_to_cell(week: str, split: str, label: str, predicted: str) -> str:
    """Return the way from a week's page to the texts of a cell; empty for the golden set, whose texts nobody sees."""
    return f"{week}/cells?{urlencode({'label': label, 'predicted': predicted})}" if split == "test" else ""


def render_cell(
    found: WeekReport, frame: Frame, pair: tuple[str, str], rows: Sequence[Mapping[str, Any]], first: int,
    *, environment: jinja2.Environment | None = None,
) -> str:  # fmt: skip
    """Render the texts of one cell of the confusion matrix, from row `first` on."""
    return (environment or week_environment()).get_template("cell.html.j2").render(
        found=found, frame=frame, label=pair[0], predicted=pair[1], rows=rows[first : first + ROWS_OF_PAGE],
        first=first, n=len(rows), step=ROWS_OF_PAGE,
    )  # fmt: skip


def render_weeks(history: Mapping[str, Any], frame: Frame, *, environment: jinja2.Environment | None = None) -> str:
    """Render the list of all weeks of a document of `load_history`, newest first."""
    return (environment or week_environment()).get_template("weeks.html.j2").render(
        history=history, weeks=list(reversed(history["weeks"])), frame=frame
    )  # fmt: skip


def week_environment() -> jinja2.Environment:
    """Return the environment of these pages, with the sections of a report."""
    return page_environment(Path(__file__).parent / "templates", Path(sections.__path__[0]) / "templates")
