"""Tables of `review/queue.sqlite`, which is derived from the logs and corrections and may be removed at any time.

Raise `VERSION` with every change: an index of another version is made anew. The rows come from `queue_index.py`.
"""

VERSION = "4"

TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE files (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, read INTEGER NOT NULL);
CREATE TABLE items (
    request_id TEXT PRIMARY KEY, file INTEGER NOT NULL, place INTEGER NOT NULL, ts REAL NOT NULL, chosen TEXT NOT NULL,
    probability REAL, slot TEXT NOT NULL, value REAL NOT NULL, doubled INTEGER NOT NULL, asked_again REAL,
    state TEXT NOT NULL, open INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX items_by_choice ON items (state, chosen, value DESC, ts, request_id);
CREATE INDEX items_by_file ON items (file);
CREATE TABLE reasons (
    request_id TEXT NOT NULL, reason TEXT NOT NULL, ts REAL NOT NULL, value REAL NOT NULL, state TEXT NOT NULL,
    detail TEXT NOT NULL, withdrawn REAL, PRIMARY KEY (request_id, reason)) WITHOUT ROWID;
CREATE INDEX reasons_by_value ON reasons (state, reason, value DESC, ts, request_id);
CREATE TABLE votes (
    request_id TEXT NOT NULL, person TEXT NOT NULL, verdict TEXT NOT NULL, ts REAL NOT NULL, blind INTEGER NOT NULL,
    withdrawn INTEGER NOT NULL, adjudicates INTEGER NOT NULL, line TEXT NOT NULL,
    PRIMARY KEY (request_id, person)) WITHOUT ROWID;
CREATE INDEX votes_by_time ON votes (ts, person);
CREATE TABLE checks (
    request_id TEXT NOT NULL, person TEXT NOT NULL, batch TEXT NOT NULL, verdict TEXT NOT NULL, ts REAL NOT NULL,
    line TEXT NOT NULL, PRIMARY KEY (request_id, person, batch)) WITHOUT ROWID;
CREATE TABLE skips (
    request_id TEXT NOT NULL, person TEXT NOT NULL, ts REAL NOT NULL, PRIMARY KEY (request_id, person)) WITHOUT ROWID;
CREATE TABLE locks (
    request_id TEXT NOT NULL, person TEXT NOT NULL, until REAL NOT NULL,
    PRIMARY KEY (request_id, person)) WITHOUT ROWID;
CREATE TABLE batches (
    batch TEXT PRIMARY KEY, person TEXT NOT NULL, created REAL NOT NULL, finished INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX batches_by_person ON batches (person, finished, created);
CREATE TABLE batch_items (
    batch TEXT NOT NULL, position INTEGER NOT NULL, request_id TEXT NOT NULL, choice TEXT NOT NULL,
    done INTEGER NOT NULL, answered REAL, PRIMARY KEY (batch, position)) WITHOUT ROWID;
CREATE UNIQUE INDEX batch_items_by_request ON batch_items (batch, request_id);
"""
"""Times are seconds since 1970. A reason counts until it is `withdrawn`, and again from a later `ts` on; an item
without one that counts has left the queue, unless its votes say otherwise. `line` is the correction as it was stored,
as JSON; `verdict` see `votes.py`."""

_FREE = """
  AND NOT EXISTS (SELECT 1 FROM skips s WHERE s.request_id = i.request_id AND s.person = :person AND s.ts > :skipped)
  AND (SELECT count(*) FROM locks l WHERE l.request_id = i.request_id AND l.until > :now AND l.person <> :person)
      < i.open
"""
_UNANSWERED = """
  AND NOT EXISTS (SELECT 1 FROM votes v WHERE v.request_id = i.request_id AND v.person = :person AND NOT v.withdrawn
                  AND (i.asked_again IS NULL OR v.ts >= i.asked_again
                       OR (NOT :alone OR v.ts > :day_ago) AND EXISTS (
                           SELECT 1 FROM reasons b WHERE b.request_id = i.request_id AND b.reason = 'blocked')))
"""
"""A blocked request is decided by somebody who did not answer it, or a day later by the only one who labels."""

DRAWN_SQL = f"""
SELECT i.request_id FROM items i WHERE i.state = 'waiting' AND i.chosen = 'random' {_UNANSWERED} {_FREE}
ORDER BY i.value DESC, i.ts LIMIT :most
"""
REASON_SQL = f"""
SELECT r.request_id FROM reasons r JOIN items i ON i.request_id = r.request_id
WHERE r.state = 'waiting' AND r.reason = :reason {_UNANSWERED} {_FREE} ORDER BY r.value DESC, r.ts LIMIT :most
"""
CONFLICT_SQL = f"""
SELECT i.request_id FROM items i WHERE i.state = 'conflict'
  AND NOT EXISTS (SELECT 1 FROM votes v WHERE v.request_id = i.request_id AND v.person = :person AND NOT v.withdrawn)
  {_FREE} ORDER BY i.value DESC, i.ts LIMIT :most
"""
AGREED_SQL = """
SELECT i.request_id FROM items i WHERE i.state = 'done'
  AND NOT EXISTS (SELECT 1 FROM votes v WHERE v.request_id = i.request_id AND v.person = :person)
  AND NOT EXISTS (SELECT 1 FROM checks c WHERE c.request_id = i.request_id AND c.person = :person)
  AND (SELECT count(DISTINCT v.verdict) = 1 AND count(*) > 1 OR max(v.adjudicates) = 1
       FROM votes v WHERE v.request_id = i.request_id AND v.blind AND NOT v.withdrawn)
ORDER BY i.ts DESC LIMIT :most
"""
"""Requests that a person may get: drawn at random, for a reason, to adjudicate, and as a check."""

CHOICE_SQL = """
SELECT i.chosen, i.state, EXISTS (SELECT 1 FROM reasons r WHERE r.request_id = i.request_id AND r.reason = 'blocked')
FROM items i WHERE i.request_id = ?
"""
"""Choice of a request, its state, and whether a gate was blocked by it: then the next answer decides it."""

UNANSWERED_SQL = "SELECT request_id FROM reasons WHERE reason = ? AND state = 'waiting'"
"""Requests that wait for a reason, and have no answer that counts."""

WAITING_SQL = """
SELECT reason, count(*), min(ts) FROM reasons WHERE state IN ('waiting', 'conflict') GROUP BY reason
UNION ALL SELECT 'conflict', count(*), min(ts) FROM items
WHERE state = 'conflict' AND request_id NOT IN (SELECT request_id FROM reasons WHERE reason = 'conflict')
HAVING count(*)
"""
