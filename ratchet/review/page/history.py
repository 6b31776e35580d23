"""Page of one request's history: facts in, one HTML document out, everything escaped and without a script.

Add here what the template needs; the facts are `ratchet/review/request_facts.py`.
"""

from collections.abc import Sequence

import jinja2

from ratchet.review.page.rendering import render
from ratchet.review.request_facts import describe_history
from ratchet.review.request_history import RequestHistory

_MOST_CHARS = 70_000
"""Longest value that is shown whole: a text of the longest kind that is stored."""


def render_history(histories: Sequence[RequestHistory], *, environment: jinja2.Environment | None = None) -> str:
    """Render the history of a request, one part for each classifier that knows the id."""
    parts = [(history, describe_history(history)) for history in histories]
    return render("why.html.j2", environment, title="Request", text="", parts=parts, at_most=_MOST_CHARS)


def render_no_history(title: str, text: str) -> str:
    """Render a page that holds only the reason why there is nothing to see."""
    return render("why.html.j2", title=title, text=text, parts=[], at_most=_MOST_CHARS)
