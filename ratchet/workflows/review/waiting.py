"""Numbers of the review queue for status, metrics and sensors: what waits, since when, and what was reviewed.

Add here another number. Nothing is made where nothing was queued; an index that is far behind is read as it is, since
whoever reviews brings it up to date.
"""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ratchet.config.spec import Spec
from ratchet.core.errors import RatchetError
from ratchet.review.item import WaitingReason
from ratchet.review.reasons import MEANINGS
from ratchet.storage.home import Home
from ratchet.storage.review.event_log import list_logs
from ratchet.storage.review.index_tables import WAITING_SQL
from ratchet.storage.rollout.ledger import Ledger
from ratchet.workflows.review.queue import ReviewQueue
from ratchet.workflows.rollout.sealing import serving_spec

_MOST_BEHIND = 20_000_000
"""Bytes of logs that are read into the index on the way: about a second."""
_REVIEWED_SQL = """
SELECT count(DISTINCT r.request_id) FROM reasons r JOIN votes v ON v.request_id = r.request_id
WHERE r.reason IN (SELECT value FROM json_each(?)) AND v.ts > ? AND v.blind AND NOT v.withdrawn
"""
_WEEK_SQL = """
SELECT (SELECT count(DISTINCT request_id) FROM votes WHERE ts >= ? AND ts < ? AND NOT withdrawn),
       (SELECT count(*) FROM items WHERE state IN ('waiting', 'conflict'))
"""


@dataclass(frozen=True)
class WaitingItems:
    """Requests that wait, by reason; a request counts for each of its reasons."""

    reasons: tuple[WaitingReason, ...] = ()
    behind: bool = False
    """True where more was queued than is counted."""

    def as_json(self, now: datetime) -> dict[str, Any]:
        """Return JSON types, ages in seconds."""
        waiting = [
            {
                "reason": each.reason,
                "meaning": MEANINGS.get(each.reason, each.reason),
                "items": each.items,
                "oldest": each.oldest.isoformat(),
                "oldest_age_s": max(0, round((now - each.oldest).total_seconds())),
            }
            for each in self.reasons
        ]
        return {"waiting": waiting, "behind": self.behind}


def count_waiting(home: Home, name: str, spec: Spec, *, most_behind: int = _MOST_BEHIND) -> WaitingItems:
    """Return what waits; nothing where nothing was ever queued.

    An index that is at most `most_behind` bytes behind is brought up to date.
    """
    rows, behind = _look(home, name, spec, WAITING_SQL, most_behind=most_behind)
    found = {reason: (items, oldest) for reason, items, oldest in rows}
    reasons = tuple(
        WaitingReason(reason, found[reason][0], datetime.fromtimestamp(found[reason][1], UTC))
        for reason in MEANINGS
        if reason in found
    )
    return WaitingItems(reasons, behind)


def describe_queue(home: Home, name: str, now: datetime) -> dict[str, Any]:
    """Return what waits as JSON types, for the status screen."""
    found = WaitingItems()
    try:
        if list_logs(home, name):
            found = count_waiting(home, name, serving_spec(home, name, Ledger(home).entries(name)))
    except (OSError, RatchetError):  # a log of another user, a broken file: the screen says more about it elsewhere
        found = WaitingItems(behind=True)
    return found.as_json(now)


def count_reviewed(home: Home, name: str, spec: Spec, reasons: Sequence[str], since: datetime) -> int:
    """Count the requests that were queued for one of `reasons` and got a blind label after `since`."""
    rows, _ = _look(home, name, spec, _REVIEWED_SQL, (json.dumps([*reasons]), since.timestamp()))
    return int(rows[0][0]) if rows else 0


def count_week(home: Home, spec: Spec, start: datetime, end: datetime) -> tuple[int | None, int | None]:
    """Return how many requests people answered from `start` until before `end`, and how many wait now; None, None where
    nothing was ever queued, or the queue cannot be read."""
    try:
        rows, _ = _look(home, spec.name, spec, _WEEK_SQL, (start.timestamp(), end.timestamp()))
    except (OSError, RatchetError):
        return None, None
    return (int(rows[0][0]), int(rows[0][1])) if rows else (None, None)


def count_queued(home: Home, name: str, reason: str) -> int:
    """Count the requests that wait for `reason`, as the index has it: a cheap look, which makes and reads no more."""
    sql = "SELECT count(*) FROM reasons WHERE reason = ? AND state IN ('waiting', 'conflict')"
    rows = _read_only(home, name, sql, (reason,))
    return int(rows[0][0]) if rows else 0


def _look(
    home: Home, name: str, spec: Spec, sql: str, values: tuple[Any, ...] = (), most_behind: int = _MOST_BEHIND
) -> tuple[list[tuple[Any, ...]], bool]:
    logs = list_logs(home, name)
    if not logs:
        return [], False
    sizes = {str(path): path.stat().st_size for path in logs}
    read = dict(_read_only(home, name, "SELECT path, read FROM files"))
    behind = sum(size - read.get(path, 0) for path, size in sizes.items())
    if behind <= most_behind:
        # of another user, or held: what the file shows is read below
        with (
            suppress(sqlite3.Error, OSError, RatchetError),
            closing(ReviewQueue.open(home, name, spec)) as queue,
        ):
            return queue.index.rows(sql, values), False
    return _read_only(home, name, sql, values), behind > 0


def _read_only(home: Home, name: str, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    path = home.review(name) / "queue.sqlite"
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute(sql, values).fetchall()
    except sqlite3.Error:  # not made yet, or of another version
        return []
