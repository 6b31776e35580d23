"""The page itself: a view in, one HTML document out, with the look of the eval report and everything escaped.

Add here what the templates may call. What the page says is `view.py`.
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
"""For the header: the browser takes `frame-ancestors` from nowhere else."""
WHY_AT_MOST = 300


@dataclass(frozen=True)
class RollbackForm:
    """What the form of a rollback carries: the head that its reader saw, and the proof that this page was made here."""

    head: str
    token: str
    why: str = ""
    """What was typed before, when the form comes back."""


@dataclass(frozen=True)
class Notice:
    """What happened to the request that brought the reader here, or what else must be known."""

    title: str
    said: str
    tone: str = "blocked"


def render_rollout(
    view: View,
    form: RollbackForm | None,
    notices: tuple[Notice, ...] = (),
    *,
    environment: jinja2.Environment | None = None,
) -> str:
    """The page. Without `form` this process cannot write the ledger, and the page shows the command instead."""
    template = (environment or rollout_environment()).get_template("rollout.html.j2")
    return template.render(view=view, form=form, notices=notices, why_at_most=WHY_AT_MOST, visible=make_visible)


def render_refusal(title: str, said: str) -> str:
    """A page that says only why there is nothing to see."""
    return rollout_environment().get_template("refused.html.j2").render(title=title, said=said, visible=make_visible)


@cache
def rollout_environment() -> jinja2.Environment:
    """The report's environment, which escapes everything, with the templates of this page."""
    shared = make_environment()
    own = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
    assert shared.loader is not None  # noqa: S101 - the report's environment has one
    return shared.overlay(loader=jinja2.ChoiceLoader([own, shared.loader]))
