"""Batches of the review queue: composed for one person, and locked so that nobody else gets the same request.

Add here how requests are handed out; how a batch is mixed is `ratchet/review/batch.py`, the whole queue `queue.py`.
"""

import secrets
import sqlite3
from datetime import datetime, timedelta

from ratchet.config.review import ReviewPolicy
from ratchet.review.batch import CHECKS, compose_batch, shuffle
from ratchet.review.item import ADJUDICATION, CHECK, ReviewBatch, ReviewResult
from ratchet.review.reasons import DISAGREEMENT, EVIDENCE, MEANINGS
from ratchet.review.votes import CONFLICT, DONE, may_answer
from ratchet.storage.review.index_lines import stored_row, time_of, votes_of
from ratchet.storage.review.index_tables import AGREED_SQL, CHOICE_SQL, CONFLICT_SQL, DRAWN_SQL, REASON_SQL
from ratchet.storage.review.queue_index import QueueIndex

LOCK_MINUTES = 10
"""Minutes after which a request that somebody left unanswered is free for others."""
_SKIPPED_AGAIN = timedelta(days=1)
"""Time after which somebody who labels alone meets again what they skipped, and a team what all of it skipped."""


def start_batch(
    index: QueueIndex, connection: sqlite3.Connection, policy: ReviewPolicy, person: str, size: int, compared: bool,
    now: datetime, *, adjudicates: bool = True,
) -> ReviewBatch:  # fmt: skip
    """Compose and lock a batch for a person; its `of` is 0 where nothing waits for them."""
    day_ago = (now - _SKIPPED_AGAIN).timestamp()
    skipped = day_ago if index.alone else 0.0
    values = {
        "person": person, "now": now.timestamp(), "skipped": skipped, "most": size, "alone": int(index.alone),
        "day_ago": day_ago,
    }  # fmt: skip

    def find(sql: str, **more: str | float) -> list[str]:
        return [row[0] for row in connection.execute(sql, {**values, **more})]

    chosen: dict[str, str] = {}
    by_reason = {reason: find(REASON_SQL, reason=reason) for reason in MEANINGS}
    conflicts = find(CONFLICT_SQL, skipped=day_ago) if adjudicates else []
    order = sorted(MEANINGS, key=lambda reason: not compared or reason != DISAGREEMENT)
    # conflicts among the evidence come first as well: until they are decided they count against the candidate
    first = [*conflicts, *by_reason[EVIDENCE]] if compared else []
    share = policy.compared_audit_share if compared else policy.audit_share
    checks = [] if index.alone else find(AGREED_SQL, most=CHECKS)
    ids = compose_batch(
        find(DRAWN_SQL), {"adjudication": conflicts, **{reason: by_reason[reason] for reason in order}},
        size - len(checks), share, first,
    )  # fmt: skip
    if not ids:
        return ReviewBatch("", person, 0, 0)
    for request_id in ids:
        found = connection.execute(CHOICE_SQL, (request_id,)).fetchone()
        chosen[request_id] = ADJUDICATION if found[1] == CONFLICT or found[2] else found[0]
    batch = f"b-{now:%Y%m%d}-{secrets.token_hex(8)}"
    connection.execute("INSERT INTO batches VALUES (?, ?, ?, 0)", (batch, person, now.timestamp()))
    chosen |= dict.fromkeys(checks, CHECK)
    connection.executemany(
        "INSERT INTO batch_items VALUES (?, ?, ?, ?, 0, NULL)",
        [(batch, place, each, chosen[each]) for place, each in enumerate(shuffle(batch, [*ids, *checks]), start=1)],
    )
    lock(connection, ids, person, now)
    return ReviewBatch(batch, person, len(chosen), 0)


def hold_batch(connection: sqlite3.Connection, batch: str, person: str, now: datetime) -> ReviewBatch:
    """Renew the locks of a batch, as far as nobody else took its requests; return it with its state."""
    left = [row[0] for row in connection.execute(
        "SELECT request_id FROM batch_items WHERE batch = ? AND NOT done AND choice <> ?", (batch, CHECK)
    )]  # fmt: skip
    lock(connection, [each for each in left if may_have(connection, each, person, now)], person, now)
    done, of = connection.execute("SELECT sum(done), count(*) FROM batch_items WHERE batch = ?", (batch,)).fetchone()
    return ReviewBatch(batch, person, of, done)


def lock(connection: sqlite3.Connection, request_ids: list[str], person: str, now: datetime) -> None:
    """Lock requests for a person from now on."""
    until = (now + timedelta(minutes=LOCK_MINUTES)).timestamp()
    connection.executemany(
        "INSERT OR REPLACE INTO locks VALUES (?, ?, ?)", [(each, person, until) for each in request_ids]
    )


def may_have(
    connection: sqlite3.Connection, request_id: str, person: str, now: datetime, *, adjudicates: bool = True
) -> bool:
    """Return True where a request still lacks this person's answer, and others hold no more of it than it lacks."""
    item = connection.execute(
        "SELECT state, open, asked_again FROM items WHERE request_id = ?", (request_id,)
    ).fetchone()
    if item is None or item[0] == DONE:
        return False
    held = connection.execute(
        "SELECT count(*) FROM locks WHERE request_id = ? AND person <> ? AND until > ?",
        (request_id, person, now.timestamp()),
    ).fetchone()
    votes = votes_of(connection, request_id)
    return held[0] < item[1] and may_answer(person, item[0], votes, time_of(item[2]), adjudicates=adjudicates)


def close_item(connection: sqlite3.Connection, batch: str, request_id: str) -> None:
    """Take a request out of a batch without an answer."""
    connection.execute("UPDATE batch_items SET done = 1 WHERE batch = ? AND request_id = ?", (batch, request_id))
    connection.execute(
        "UPDATE batches SET finished = 1 WHERE batch = ?"
        " AND NOT EXISTS (SELECT 1 FROM batch_items i WHERE i.batch = batches.batch AND NOT i.done)",
        (batch,),
    )


def labels_in_conflict(connection: sqlite3.Connection, request_id: str) -> tuple[tuple[str, str], ...]:
    """Return the labels of a request whose labels differ, each with its note, in an order that names nobody."""
    state = connection.execute("SELECT state FROM items WHERE request_id = ?", (request_id,)).fetchone()
    if state is None or state[0] != CONFLICT:
        return ()
    rows = connection.execute("SELECT verdict, line FROM votes WHERE request_id = ? AND NOT withdrawn", (request_id,))
    return tuple(sorted((verdict.lstrip("\0"), stored_row(line).get("note") or "") for verdict, line in rows))


def reopen_newest(connection: sqlite3.Connection, person: str) -> str | None:
    """Bring the newest answer of a person's last batch back in front of them; return its request."""
    found = connection.execute(
        "SELECT i.batch, i.request_id FROM batch_items i JOIN batches b ON b.batch = i.batch WHERE b.person = ?"
        " AND i.answered IS NOT NULL AND i.done ORDER BY b.created DESC, i.answered DESC, i.position DESC",
        (person,),
    ).fetchone()
    if found is None:
        return None
    connection.execute("UPDATE batch_items SET done = 0 WHERE batch = ? AND request_id = ?", found)
    connection.execute("UPDATE batches SET finished = 0 WHERE batch = ?", (found[0],))
    return str(found[1])


def read_result(index: QueueIndex, batch: str) -> ReviewResult:
    """Return the outcome of a batch: how many of its agreed requests were answered as it was agreed."""
    sql = "SELECT count(*) FROM batch_items WHERE batch = ? AND answered IS NOT NULL"
    given = index.rows("SELECT request_id, verdict FROM checks WHERE batch = ?", (batch,))
    agreed = sum(verdict == _agreed_verdict(index, request_id) for request_id, verdict in given)
    return ReviewResult(batch, index.rows(sql, (batch,))[0][0], len(given), agreed)


def _agreed_verdict(index: QueueIndex, request_id: str) -> str | None:
    """Return the verdict on a request that people agree on: that of an adjudication, else the one of all."""
    rows = index.rows(
        "SELECT verdict FROM votes WHERE request_id = ? AND blind AND NOT withdrawn ORDER BY adjudicates DESC, ts DESC",
        (request_id,),
    )
    return rows[0][0] if rows else None
