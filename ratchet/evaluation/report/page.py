"""The page itself: `eval_report.json` in, one HTML file out, with everything escaped and without a script.

Add a section as a template and, where it needs places or an order, a module beside this one that computes them. Figures
are measured in `ratchet/metrics/classification.py`, and the page is stored by `ratchet/storage/reports.py`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from ratchet.core.pages.environment import page_environment
from ratchet.core.pages.visible import make_visible
from ratchet.evaluation.report.comparison import BASELINES, WAYS, draw_differences, draw_scores
from ratchet.evaluation.report.confusion import TEXTS_AT_MOST, arrange_confusion
from ratchet.evaluation.report.formatting import divide, format_figure, join_key, look_up, make_headline, make_slug
from ratchet.evaluation.report.loss_curves import draw_curves
from ratchet.evaluation.report.per_class import judge_labels, list_splits, span_labels, spread_labels
from ratchet.evaluation.report.reliability import draw_reliability
from ratchet.evaluation.report.sweep import draw_sweep, letter_of

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
SIZE_AT_MOST = 500_000
ROOM = ((150, 600), (150, 200), (50, 200), (15, 60), (5, 20))
"""Most rows of a table, and most filled cells of a matrix; the next pair is tried when a page is too large."""
WORDS = {"passed": "✓", "blocked": "✕", "first": "○"}


def make_environment() -> jinja2.Environment:
    """Return the environment of the pages of this folder."""
    return page_environment(Path(__file__).parent / "templates")


def render_report(
    document: Mapping[str, Any], *, digest: str = "", environment: jinja2.Environment | None = None
) -> str:
    """Render an `eval_report.json` document; `digest` is of the file's bytes and is printed at the foot.

    The page names missing parts and tables that had to be cut. Raises ValueError for NaN or infinity anywhere it would
    be shown, and for a document of which no page of `SIZE_AT_MOST` bytes can be made.
    """
    size = 0
    for rows, cells in ROOM:
        page = _render(document, digest, environment, rows, cells)
        if (size := len(page.encode())) <= SIZE_AT_MOST:
            return page
    raise ValueError(
        f"the page has {size} bytes even with {ROOM[-1][0]} rows a table; at most {SIZE_AT_MOST} are allowed"
    )


def _render(
    document: Mapping[str, Any], digest: str, environment: jinja2.Environment | None, rows: int, cells: int
) -> str:
    template = (environment or make_environment()).get_template("eval_report.html.j2")
    return template.render(describe_report(document, digest, rows, cells))


def describe_report(
    document: Mapping[str, Any], digest: str = "", rows: int = ROOM[0][0], cells: int = ROOM[0][1]
) -> dict[str, Any]:
    """Return what the sections of a report may use: its document, drawings, and the functions that write figures.

    The page that the gateway serves has the same sections inside the frame (`ratchet/workflows/week_report/page/`).
    """
    judged = judge_labels(document)
    judged_scale = span_labels(judged)
    return {
        "document": document,
        "digest": digest,
        "policy": POLICY,
        "words": WORDS,
        "baseline_names": BASELINES,
        "way_names": WAYS,
        "texts_at_most": TEXTS_AT_MOST,
        "rows": rows,
        "few": lambda items: list(items)[:rows],
        "key_of": join_key,
        "slug": make_slug,
        "visible": make_visible,
        "headline": make_headline(str(look_up(document, "verdict.sentence") or "")),
        "has": lambda *parts: look_up(document, join_key(*parts)) not in (None, [], {}, ""),
        "value": lambda *parts: look_up(document, join_key(*parts)),
        "write": lambda rounding, key: format_figure(look_up(document, key), rounding),
        "write_share": lambda rounding, key, of: format_figure(divide(look_up(document, key), look_up(document, of)),
        rounding),
        "splits": list_splits(document),
        "spread": spread_labels(document),
        "judged": judged,
        "judged_from": format(judged_scale.low, "g"),
        "spot": judged_scale.at,
        "scores": draw_scores(document),
        "differences": draw_differences(document.get("comparison")),
        "reliability": {side: draw_reliability((document.get("metrics") or {}).get("test"), "test", side)
                     for side in ("before", "after")},
        "confusions": list(filter(None, (arrange_confusion(document, split, cells) for split in ("test", "golden")))),
        "swept": draw_sweep(document),
        "letter": letter_of,
        "curves": [draw_curves(candidate) for candidate in (document.get("candidates") or [])[:rows]],
        "cell_way": lambda split, label, predicted: "",
    }  # fmt: skip
