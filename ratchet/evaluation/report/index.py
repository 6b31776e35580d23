"""The index of a classifier's reports: a page without end tags, so that a week can be appended in constant time.

The file is a head of `HEAD_BYTES` and one row of `ROW_BYTES` for each week, in the order written; the browser closes
the open tags and sorts the rows, newest first, by the `order` of each. Add a column of a row here; the file is written
by `ratchet/storage/report_index.py`.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from ratchet.evaluation.report.formatting import format_figure, look_up
from ratchet.evaluation.report.page import POLICY, WORDS, make_environment

HEAD_BYTES = 4096
ROW_BYTES = 1024
"""A divisor of the page size of every common machine, so that a row never lies across two pages."""


def render_head(classifier: str) -> bytes:
    """Render the beginning of the index, padded to `HEAD_BYTES`: all up to the open table body."""
    template = make_environment().get_template("report_index.html.j2")
    return _pad(template.render(classifier=classifier, policy=POLICY, head=HEAD_BYTES, row=ROW_BYTES), HEAD_BYTES)


def render_row(week: date, document: Mapping[str, Any]) -> bytes:
    """Render the row of one week's `eval_report.json`, padded to `ROW_BYTES`."""
    word = str(look_up(document, "verdict.word") or "unknown")[:20]

    def figure(key: str) -> str:
        return format_figure(look_up(document, key), "3")

    ends = look_up(document, "metrics.test.macro_f1_ci")
    template = make_environment().get_template("report_index_row.html.j2")
    text = template.render(
        week=str(week),
        order=-(week.toordinal() // 7),
        word=word,
        known=word in WORDS,
        mark=WORDS.get(word, "?"),
        macro_f1=figure("metrics.test.macro_f1"),
        interval=f"{figure('metrics.test.macro_f1_ci.0')} to {figure('metrics.test.macro_f1_ci.1')}" if ends else "",
        ece=figure("metrics.test.ece"),
        adapter=str(look_up(document, "adapter") or "none")[:8],
    )
    return _pad(text.strip(), ROW_BYTES)


def begin_row(week: date) -> bytes:
    """Return the first bytes of a week's row, by which a row is recognised."""
    return f'<tr id="week-{week}" '.encode()


def _pad(text: str, size: int) -> bytes:
    content = text.strip().encode()
    if len(content) >= size:
        raise ValueError(f"{len(content)} bytes do not fit into the {size} of the index")
    return content + b" " * (size - len(content) - 1) + b"\n"
