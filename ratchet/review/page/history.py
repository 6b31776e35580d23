"""Page of one request's history: facts in, one HTML document out, everything escaped and without a script.

Add here what the template needs; the facts are `ratchet/review/request_facts.py`.
"""

from collections.abc import Sequence

import jinja2

from ratchet.core.pages.frame import Frame
from ratchet.review.page.rendering import render
from ratchet.review.request_facts import describe_history
from ratchet.review.request_history import RequestHistory

_MOST_CHARS = 70_000
"""Longest value that is shown whole: a text of the longest kind that is stored."""


def render_history(
    histories: Sequence[RequestHistory],
    *,
    frame: Frame | None = None,
    environment: jinja2.Environment | None = None,
) -> str:
    """Render the history of a request, one part for each classifier that knows the id."""
    parts = [(history, describe_history(history)) for history in histories]
    return render("why.html.j2", environment, frame=frame, parts=parts, at_most=_MOST_CHARS)
