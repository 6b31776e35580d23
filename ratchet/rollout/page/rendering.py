"""The page itself: a view in, one HTML document out, in the style of the eval report and with everything escaped.

Add here what the templates may call. The content of the page is `view.py`.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jinja2

from ratchet.evaluation.report.formatting import make_visible
from ratchet.evaluation.report.page import make_environment
from ratchet.rollout.page.view import View

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors"
    " 'none'"
)
"""Value of the header: browsers read `frame-ancestors` only there."""
WHY_AT_MOST = 300


@dataclass(frozen=True)
class RollbackForm:
    """Fields of the rollback form: the head that its reader saw, and the proof that this gateway made the page."""

    head: str
    token: str
    why: str = ""
    """Reason that was typed before, when the form is shown again."""


@dataclass(frozen=True)
class Notice:
    """A message above the state: the outcome of the request that led here, or another fact to know."""

    title: str
    text: str
    tone: str = "blocked"


def render_rollout(
    view: View,
    form: RollbackForm | None,
    notices: tuple[Notice, ...] = (),
    *,
    environment: jinja2.Environment | None = None,
) -> str:
    """Render the page. Without `form`, for a process that cannot write the ledger, it shows the command instead."""
    template = (environment or rollout_environment()).get_template("rollout.html.j2")
    return template.render(view=view, form=form, notices=notices, why_at_most=WHY_AT_MOST, visible=make_visible)


def render_refusal(title: str, text: str) -> str:
    """Render a page that holds only the reason why there is nothing to see."""
    return rollout_environment().get_template("refused.html.j2").render(title=title, text=text, visible=make_visible)


@cache
def rollout_environment() -> jinja2.Environment:
    """Return the report's environment, which escapes everything, with the templates of this page added."""
    shared = make_environment()
    own = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
    assert shared.loader is not None  # noqa: S101 - the report's environment has one
    return shared.overlay(loader=jinja2.ChoiceLoader([own, shared.loader]))
