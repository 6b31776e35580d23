"""Reading of what kept candidates from being promoted, for status, page and sensors. Opens no warehouse.

Add here a file that says why a candidate was not promoted; the sentence is `ratchet/rollout/pause.py`.
"""

from datetime import datetime

from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.errors import RatchetError
from ratchet.rollout.ledger_entry import PROMOTE
from ratchet.rollout.pause import describe_pause
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.run_history import blocking_stage, run_weeks
from ratchet.workflows.rollout.shadow import find_entrant

_MOST_WEEKS = 26


def explain_pause(home: Home, name: str, decision: str, now: datetime) -> str:
    """Return why nothing was promoted for some weeks, in one sentence; empty where something was, or nobody can tell.

    `decision` is the newest sentence on the rollout. Reads the results of at most half a year of cycles.
    """
    entries = Ledger(home).entries(name)
    promoted = next((entry for entry in reversed(entries) if entry.action == PROMOTE), None)
    if promoted is None:
        return ""
    try:
        weeks = [week for week in run_weeks(home, name) if week > promoted.week][-_MOST_WEEKS:]
        outcomes = {week: _stopped_by(home, name, week) for week in weeks}
    except (RatchetError, OSError, ValueError, KeyError):  # whoever reads those files says what is wrong with them
        return ""
    waiting = find_waiting(home, name)
    return describe_pause(entries, outcomes, f"{waiting} waits" if waiting else "", decision, now)


def find_waiting(home: Home, name: str) -> str:
    """Return the candidate that waits for the one that is compared, and its week; empty where none does."""
    try:
        found = find_entrant(home, name).waiting
    except (RatchetError, OSError, ValueError, KeyError):
        return ""
    return f"{found.adapter[:12]} of {found.week}" if found else ""


def _stopped_by(home: Home, name: str, week: str) -> str:
    error = blocking_stage(home, Cycle(name, parse_week(week)))
    return "" if error is None else str(error.details.get("check") or error.details.get("stage"))
