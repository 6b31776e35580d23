"""Which week is meant: a Monday, an ISO week or `latest` becomes a cycle.

Add here words for weeks that depend on which weeks there are; plain dates are read in `cycle.py`.
"""

from collections.abc import Iterable
from datetime import date

from ratchet.cycle import Cycle, parse_week
from ratchet.errors import RatchetError


def choose_week(classifier: str, word: str, known: Iterable[date]) -> Cycle:
    """The cycle named by `word`; `latest` is the newest of `known`.

    Raises `UsageError` for a day that is no Monday, `RatchetError` where no week is known.
    """
    if word != "latest":
        return Cycle(classifier, parse_week(word))
    newest = max(known, default=None)
    if newest is None:
        raise RatchetError(
            f"{classifier} has no week yet, so none is the latest.",
            f"Bring rows in: 'ratchet ingest {classifier} --logs FILE'.",
            code="no_week",
        )
    return Cycle(classifier, newest)


def need_known(cycle: Cycle, known: Iterable[date], what: str) -> None:
    """Raise `RatchetError` when `cycle`'s week is not among `known`, with the nearest one."""
    weeks = sorted(known)
    if cycle.week not in weeks:
        listed = ", ".join(str(week) for week in weeks[-8:]) or "none"
        near = min(weeks, key=lambda week: abs(week - cycle.week), default=None)
        raise RatchetError(
            f"{cycle.classifier} has no {what} in the week of {cycle.week} (has: {listed}).",
            f"Did you mean {near}?" if near else f"Bring rows in: 'ratchet ingest {cycle.classifier} --logs FILE'.",
            code="no_week",
        )
