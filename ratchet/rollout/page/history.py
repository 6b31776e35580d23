"""The history as rows for people: the newest entries of the ledger, newest first.

Add a column of a row here. The meaning of an entry is in `ratchet/rollout/state.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ratchet.rollout import ledger_entry as act
from ratchet.rollout.ledger_entry import Entry

HISTORY_AT_MOST = 50
SHOWN = 12
"""Digits of a digest."""


@dataclass(frozen=True)
class HistoryRow:
    """One entry of the history. `source` and `target` are empty where no user's answers changed."""

    sequence: int
    at: str
    who: str
    action: str
    source: str
    target: str
    why: str


def list_history(entries: Sequence[Entry]) -> tuple[HistoryRow, ...]:
    """Return a row for each of the newest `HISTORY_AT_MOST` entries, newest first."""
    return tuple(_row(entry) for entry in reversed(entries[-HISTORY_AT_MOST:]))


def write_time(ts: str) -> str:
    """Write an RFC 3339 time as `2026-03-02 12:00 UTC`; any other text stays as it is."""
    try:
        return f"{datetime.fromisoformat(ts).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError):
        return ts


def _row(entry: Entry) -> HistoryRow:
    same = entry.previous_adapter == entry.adapter
    source = "" if same else (entry.previous_adapter or "none")[:SHOWN]
    action = f"{entry.action} {entry.percent} %" if entry.action == act.STEP else entry.action
    return HistoryRow(
        entry.sequence,
        write_time(entry.ts),
        entry.actor,
        action,
        source,
        "" if same else entry.adapter[:SHOWN],
        entry.why,
    )
