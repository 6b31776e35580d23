"""The home page itself: the overview in, one HTML document out, with everything escaped and without a script.

Add here what the template may call. As a file in the home, its links lead to the reports beside it, and say by which
command the other pages are opened.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from ratchet.core.pages.environment import page_environment
from ratchet.core.pages.frame import Frame
from ratchet.evaluation.report.formatting import format_figure, join_key, look_up
from ratchet.workflows.overview.page.sparkline import HEIGHT, WIDTH, draw_sparkline

_VERDICTS = {"passed": ("passed", "✓"), "blocked": ("blocked", "✕"), "error": ("blocked", "!")}
FILE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
"""Policy of the page as a file, where no server sends a header."""


def render_home(
    overview: Mapping[str, Any], frame: Frame | None, *, environment: jinja2.Environment | None = None
) -> str:
    """Render the document of `load_overview`; without `frame` as a file that lies in the home."""
    made = (environment or home_environment()).get_template("home.html.j2")
    return made.render(
        overview=overview,
        frame=frame,
        policy="" if frame else FILE_POLICY,
        sparklines=[draw_sparkline(card.get("weeks") or []) for card in overview["classifiers"]],
        width=WIDTH,
        height=HEIGHT,
        verdicts=_VERDICTS,
        key_of=join_key,
        write=lambda rounding, key: format_figure(look_up(overview, key), rounding),
    )


def home_environment() -> jinja2.Environment:
    """Return the environment of the templates of this page."""
    return page_environment(Path(__file__).parent / "templates")
