"""Lines of the logs and corrections, taken into the index of the review queue.

Add here what the index takes from a line. Each function is repeated without harm: several processes read the same
lines. The tables are `index_tables.py`.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from ratchet.core.digests import canonical_json
from ratchet.core.label_names import label_form
from ratchet.review.draw import DOUBLE, is_drawn
from ratchet.review.item import ADJUDICATION, CHECK
from ratchet.review.reasons import ASKED_AGAIN
from ratchet.review.reasons import CONFLICT as REASON_CONFLICT
from ratchet.review.votes import CONFLICT, LEFT, WAITING, Vote, is_undecided, judge_votes, open_votes
from ratchet.storage.review.index_settings import IndexSettings

COLUMNS = (
    "request_id", "ts", "label", "answer", "annotator", "saw_prediction", "chosen", "batch", "seconds", "note",
)  # fmt: skip


def add_event(
    connection: sqlite3.Connection, event: Mapping[str, Any], file: int, place: int, settings: IndexSettings
) -> str | None:
    """Add a line of the log; return the request whose votes must be looked at again."""
    request_id, ts = str(event.get("request_id", "")), _seconds(event.get("ts"))
    if event.get("event") == "skipped":
        values = (request_id, settings.person(event.get("annotator")), ts)
        connection.execute("INSERT OR REPLACE INTO skips VALUES (?, ?, ?)", values)
        return request_id
    if event.get("event") == "withdrawn":
        return _withdraw(connection, request_id, str(event.get("reason")), ts)
    if event.get("event") != "queued" or not request_id:
        return None
    reason, value = str(event["reason"]), float(event.get("value") or 0.0)
    again = ts if reason in ASKED_AGAIN else None
    doubled = int(is_drawn(settings.key, DOUBLE, request_id, settings.double_share))
    made = connection.execute(
        "INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'waiting', ?) ON CONFLICT DO UPDATE SET"
        " file = excluded.file, place = excluded.place,"
        " chosen = CASE WHEN 'random' IN (chosen, excluded.chosen) THEN 'random'"
        " WHEN 'evidence' IN (chosen, excluded.chosen) THEN 'evidence' ELSE chosen END,"
        " probability = coalesce(probability, excluded.probability), value = max(value, excluded.value)"
        " RETURNING state",
        (request_id, file, place, ts, str(event.get("chosen") or "value"), event.get("probability"),
         str(event.get("slot") or ""), value, doubled, again, settings.votes + doubled),
    ).fetchone()  # fmt: skip
    state = connection.execute(
        "INSERT INTO reasons VALUES (?, ?, ?, ?, ?, ?, NULL) ON CONFLICT DO UPDATE SET"
        " ts = max(ts, excluded.ts), value = max(value, excluded.value) RETURNING state",
        (request_id, reason, ts, value, made[0], str(event.get("detail") or "")),
    ).fetchone()[0]
    if again is not None:
        _note_asked_again(connection, request_id)
    answered = connection.execute("SELECT 1 FROM votes WHERE request_id = ? LIMIT 1", (request_id,)).fetchone()
    return request_id if answered or reason == REASON_CONFLICT or state == LEFT else None


def _withdraw(connection: sqlite3.Connection, request_id: str, reason: str, ts: float) -> str:
    """Let a reason count no more."""
    connection.execute(
        "UPDATE reasons SET withdrawn = max(coalesce(withdrawn, ?1), ?1) WHERE request_id = ?2 AND reason = ?3",
        (ts, request_id, reason),
    )
    _note_asked_again(connection, request_id)
    return request_id


def _note_asked_again(connection: sqlite3.Connection, request_id: str) -> None:
    """Note the time from which the reasons that count ask for a new label."""
    reasons = ", ".join(f"'{each}'" for each in sorted(ASKED_AGAIN))
    connection.execute(
        "UPDATE items SET asked_again = (SELECT max(r.ts) FROM reasons r WHERE r.request_id = items.request_id"
        f" AND r.reason IN ({reasons}) AND (r.withdrawn IS NULL OR r.withdrawn < r.ts)) WHERE request_id = ?",
        (request_id,),
    )


def add_answer(connection: sqlite3.Connection, row: Mapping[str, Any], settings: IndexSettings) -> str | None:
    """Add a correction; return its request, None for a check, whose vote counts nowhere."""
    request_id, person, ts = str(row["request_id"]), settings.person(row["annotator"]), _seconds(row["ts"])
    label, answer, batch = row.get("label"), row.get("answer"), str(row.get("batch") or "")
    at = datetime.fromtimestamp(ts, UTC)
    verdict = settings.rules.read(label_form(str(label)), at).label if label is not None else f"\0{answer}"
    line = canonical_json({name: row.get(name) for name in COLUMNS})
    if batch:
        connection.execute(
            "UPDATE batch_items SET done = 1, answered = ? WHERE batch = ? AND request_id = ?"
            " AND (answered IS NULL OR answered < ?)", (ts, batch, request_id, ts),
        )  # fmt: skip
        connection.execute(
            "UPDATE batches SET finished = 1 WHERE batch = ?"
            " AND NOT EXISTS (SELECT 1 FROM batch_items b WHERE b.batch = batches.batch AND NOT b.done)",
            (batch,),
        )
    connection.execute("DELETE FROM locks WHERE request_id = ? AND person = ?", (request_id, person))
    if settings.is_suspended(person):
        return None
    if row.get("chosen") == CHECK:
        values = (request_id, person, batch, verdict, ts, line)
        connection.execute("INSERT INTO checks VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                           " verdict = excluded.verdict, ts = excluded.ts, line = excluded.line"
                           " WHERE excluded.ts >= ts", values)  # fmt: skip
        return None
    votes = (request_id, person, verdict, ts, not row["saw_prediction"], answer == "withdrawn",
             row.get("chosen") == ADJUDICATION, line)  # fmt: skip
    connection.execute(
        "INSERT INTO votes VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET verdict = excluded.verdict,"
        " ts = excluded.ts, blind = excluded.blind, withdrawn = excluded.withdrawn,"
        " adjudicates = excluded.adjudicates, line = excluded.line WHERE excluded.ts >= ts", votes,
    )  # fmt: skip
    return request_id


def judge_items(connection: sqlite3.Connection, request_ids: Iterable[str], votes_needed: int, *, alone: bool) -> None:
    """Bring the state of these requests up to date with their votes; a team of one gives no second ones."""
    for request_id in request_ids:
        found = connection.execute(
            "SELECT i.doubled, i.asked_again, (SELECT max(r.ts) FROM reasons r WHERE r.request_id = i.request_id"
            " AND r.reason = ?), EXISTS (SELECT 1 FROM reasons r WHERE r.request_id = i.request_id"
            " AND (r.withdrawn IS NULL OR r.withdrawn < r.ts)) FROM items i WHERE i.request_id = ?",
            (REASON_CONFLICT, request_id),
        ).fetchone()  # fmt: skip
        if found is None:
            continue
        votes, asked_again = votes_of(connection, request_id), time_of(found[1])
        needed = votes_needed + (found[0] and not alone)
        state = judge_votes(votes, needed, asked_again)
        skips = connection.execute("SELECT count(*) FROM skips WHERE request_id = ?", (request_id,)).fetchone()[0]
        # a cycle also knows labels of files, of which the queue has no votes: they differ until somebody answers
        if (state == WAITING and skips > 1) or (found[2] and is_undecided(votes, time_of(found[2]))):
            state = CONFLICT
        elif state == WAITING and not found[3]:
            state = LEFT
        free = open_votes(state, votes, needed, asked_again) if state != LEFT else 0
        connection.execute("UPDATE items SET state = ?, open = ? WHERE request_id = ?", (state, free, request_id))
        connection.execute(
            "UPDATE reasons SET state = CASE WHEN withdrawn >= ts THEN ? ELSE ? END WHERE request_id = ?",
            (LEFT, state, request_id),
        )


def votes_of(connection: sqlite3.Connection, request_id: str) -> list[Vote]:
    """Return the newest answer of each person on a request, checks left out."""
    sql = "SELECT person, verdict, ts, blind, withdrawn, adjudicates FROM votes WHERE request_id = ? ORDER BY ts"
    return [
        Vote(person, verdict, datetime.fromtimestamp(ts, UTC), bool(blind), bool(withdrawn), bool(adjudicates))
        for person, verdict, ts, blind, withdrawn, adjudicates in connection.execute(sql, (request_id,))
    ]


def stored_row(line: str) -> dict[str, Any]:
    """Return the correction that a line of the index holds."""
    row: dict[str, Any] = json.loads(line)
    return row


def _seconds(ts: Any) -> float:
    value = ts if isinstance(ts, datetime) else datetime.fromisoformat(str(ts))
    return value.timestamp()


def time_of(seconds: float | None) -> datetime | None:
    """Return the time of seconds since 1970."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
