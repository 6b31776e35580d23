"""Span of weeks that a card of the home page draws.

Add here another span; the weeks themselves are found by `ratchet/workflows/history/`.
"""

from datetime import date, timedelta

from ratchet.core.cycle import parse_week
from ratchet.storage.home import Home
from ratchet.workflows.history.week_files import list_weeks

RECENT_WEEKS = 13
"""A quarter of a year."""


def first_of_recent(home: Home, name: str) -> date | None:
    """Return the first Monday of the newest `RECENT_WEEKS` weeks that ran; None before the first run."""
    weeks = list_weeks(home, name)
    return parse_week(weeks[-1]) - timedelta(weeks=RECENT_WEEKS - 1) if weeks else None
