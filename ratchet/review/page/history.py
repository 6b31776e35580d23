"""Page of one request's history: facts in, one HTML document out, everything escaped and without a script.

Add here what the template may call; the facts are `ratchet/review/request_facts.py`.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import jinja2

from ratchet.evaluation.report.formatting import make_visible
from ratchet.evaluation.report.page import make_environment
from ratchet.review.request_facts import describe_history
from ratchet.review.request_history import RequestHistory

_MOST_CHARS = 70_000
"""Longest value that is shown whole: a text of the longest kind that is stored."""


def render_history(histories: Sequence[RequestHistory], *, environment: jinja2.Environment | None = None) -> str:
    """Render the history of a request, one part for each classifier that knows the id."""
    parts = [(history, describe_history(history)) for history in histories]
    return _template(environment).render(
        title="Request", text="", parts=parts, visible=make_visible, at_most=_MOST_CHARS
    )


def render_no_history(title: str, text: str) -> str:
    """Render a page that holds only the reason why there is nothing to see."""
    return _template(None).render(title=title, text=text, parts=[], visible=make_visible, at_most=_MOST_CHARS)


def _template(environment: jinja2.Environment | None) -> jinja2.Template:
    return (environment or _environment()).get_template("why.html.j2")


@cache
def _environment() -> jinja2.Environment:
    shared = make_environment()
    assert shared.loader is not None  # noqa: S101 - the report's environment has one
    own = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
    return shared.overlay(loader=jinja2.ChoiceLoader([own, shared.loader]))
