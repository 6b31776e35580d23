"""Index of the review queue, `review/queue.sqlite`: derived from the logs and the corrections, and made anew when lost.

Add here what the index takes from a line; the tables are `index_tables.py`, who is asked next is
`ratchet/workflows/review/queue.py`. Several processes may use one index: SQLite locks it for each change.
"""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ratchet.core.digests import canonical_json, digest_json
from ratchet.core.files import make_folder
from ratchet.core.timeouts import REVIEW_INDEX_S
from ratchet.review.draw import DOUBLE, is_drawn
from ratchet.review.item import ADJUDICATION, CHECK
from ratchet.review.reasons import ASKED_AGAIN
from ratchet.review.votes import CONFLICT, WAITING, Vote, judge_votes, open_votes
from ratchet.storage.home import Home
from ratchet.storage.journal.recent_rows import plain_row, read_segment_rows
from ratchet.storage.journal.segments import left_behind
from ratchet.storage.review.event_log import list_logs, read_line, read_lines
from ratchet.storage.review.index_tables import TABLES, VERSION

_CHUNK = 20_000
_TEAM_DAYS = 28
COLUMNS = (
    "request_id", "ts", "label", "answer", "annotator", "saw_prediction", "chosen", "batch", "seconds", "note",
)  # fmt: skip


class QueueIndex:
    """Connection to the index of one classifier; safe for several threads."""

    def __init__(
        self, home: Home, name: str, *, key: bytes, persons: Mapping[str, str], votes: int, double_share: float
    ) -> None:
        """Open or make the index. `key` is that of the draws, `persons` maps names to people, `votes` are those that a
        request needs, `double_share` (0..1) of the requests needs one more."""
        self.home, self.name = home, name
        self._key, self._persons, self._votes, self._double_share = key, dict(persons), votes, double_share
        self._lock = threading.RLock()
        make_folder(home.review(name))
        self._path = home.review(name) / "queue.sqlite"
        self._connection = self._open()
        self._alone = self._recall_alone()

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """Hold the index for a change; other processes wait. An error undoes the change."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def rows(self, sql: str, values: Mapping[str, Any] | tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def refresh(self) -> None:
        """Take in what was queued, answered and skipped since the last look, by any process."""
        known = {path: (file, read) for file, path, read in self.rows("SELECT id, path, read FROM files")}
        logs, journals = list_logs(self.home, self.name), self._journals()
        for path in (*logs, *journals):
            read = known.get(str(path), (0, 0))[1]
            with suppress(FileNotFoundError):  # sealed meanwhile: its rows come with the segment
                if path.stat().st_size > read:
                    self._read_log(path, read)
        segments = [path for path in self._segments() if str(path) not in known]
        for path in segments:
            self._add(path, ((plain_row(row), 0, 1) for row in read_segment_rows(path, COLUMNS)), self._add_answer)
        gone = [
            (file,)
            for path, (file, _) in known.items()
            if path.endswith(".jsonl") and not Path(path).exists()  # its texts are gone: nobody can be asked any more
        ]
        if gone:
            with self.change() as connection:
                for table in ("reasons", "locks", "skips"):
                    connection.executemany(
                        f"DELETE FROM {table} WHERE request_id IN (SELECT request_id FROM items WHERE file = ?)", gone
                    )
                connection.executemany("DELETE FROM items WHERE file = ?", gone)
                connection.executemany("DELETE FROM files WHERE id = ?", gone)
        self._note_team(datetime.now(UTC))

    def read_item(self, request_id: str) -> dict[str, Any] | None:
        """Return the line that queued a request, its text included; None where it is gone."""
        found = self.rows("SELECT f.path, i.place FROM items i JOIN files f ON f.id = i.file WHERE i.request_id = ?",
                          (request_id,))  # fmt: skip
        return read_line(Path(found[0][0]), found[0][1]) if found else None

    def team(self, now: datetime) -> set[str]:
        """Return the people who answered in the last four weeks."""
        since = (now - timedelta(days=_TEAM_DAYS)).timestamp()
        return {person for (person,) in self.rows("SELECT DISTINCT person FROM votes WHERE ts > ?", (since,))}

    @property
    def alone(self) -> bool:
        """True where one person labels: nobody waits for a second one then."""
        return self._alone

    def judge(self, connection: sqlite3.Connection, request_ids: Iterable[str]) -> None:
        """Bring the state of these requests up to date with their votes."""
        for request_id in request_ids:
            found = connection.execute(
                "SELECT doubled, asked_again FROM items WHERE request_id = ?", (request_id,)
            ).fetchone()
            if found is None:
                continue
            votes, asked_again = votes_of(connection, request_id), time_of(found[1])
            needed = self._votes + (found[0] and not self._alone)
            state = judge_votes(votes, needed, asked_again)
            skips = connection.execute("SELECT count(*) FROM skips WHERE request_id = ?", (request_id,)).fetchone()[0]
            if state == WAITING and skips > 1:
                state = CONFLICT
            free = open_votes(state, votes, needed, asked_again)
            connection.execute("UPDATE items SET state = ?, open = ? WHERE request_id = ?", (state, free, request_id))
            connection.execute("UPDATE reasons SET state = ? WHERE request_id = ?", (state, request_id))

    def add_answer(self, row: Mapping[str, Any]) -> None:
        """Take in one correction that is durable."""
        with self.change() as connection:
            self.judge(connection, filter(None, [self._add_answer(connection, row, 0, 0)]))

    def _recall_alone(self) -> bool:
        return self.rows("SELECT value FROM meta WHERE key = 'alone'") != [("False",)]

    def _note_team(self, now: datetime) -> None:
        alone = len(set(self._persons.values()) | self.team(now)) < 2
        if alone == self._alone:
            return
        with self.change() as connection:
            self._alone = alone
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('alone', ?)", (str(alone),))
            doubled = connection.execute(
                "SELECT DISTINCT v.request_id FROM votes v JOIN items i ON i.request_id = v.request_id WHERE i.doubled"
            ).fetchall()
            self.judge(connection, [request_id for (request_id,) in doubled])

    def _open(self) -> sqlite3.Connection:
        made_of = digest_json([VERSION, self._persons, self._votes, self._double_share])
        for _ in range(2):
            with suppress(sqlite3.DatabaseError):
                connection = sqlite3.connect(
                    self._path, timeout=REVIEW_INDEX_S, isolation_level=None, check_same_thread=False
                )
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                has_tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
                if not has_tables:
                    connection.executescript(f"BEGIN IMMEDIATE; {TABLES} COMMIT;")
                    connection.execute("INSERT INTO meta VALUES ('made_of', ?)", (made_of,))
                if connection.execute("SELECT value FROM meta WHERE key = 'made_of'").fetchall() == [(made_of,)]:
                    return connection
                connection.close()
            for suffix in ("", "-wal", "-shm"):  # damaged, or made by other settings: all of it stands in the logs
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        raise sqlite3.DatabaseError(f"{self._path.name} cannot be made")

    def _journals(self) -> list[Path]:
        folder = self.home.journal(self.name, "corrections")
        return left_behind(folder) if folder.is_dir() else []

    def _segments(self) -> list[Path]:
        folder = self.home.landing(self.name, "corrections")
        return sorted(folder.glob("gateway-*.parquet")) if folder.is_dir() else []

    def _read_log(self, path: Path, read: int) -> None:
        self._add(path, read_lines(path, read), self._add_event if path.suffix == ".jsonl" else self._add_answer)

    def _add(
        self,
        path: Path,
        lines: Iterable[tuple[dict[str, Any], int, int]],
        add: Callable[[sqlite3.Connection, Mapping[str, Any], int, int], str | None],
    ) -> None:
        lines, end = iter(lines), None
        while end is None or end:
            with self.change() as connection:
                connection.execute("INSERT OR IGNORE INTO files (path, read) VALUES (?, 0)", (str(path),))
                file = connection.execute("SELECT id FROM files WHERE path = ?", (str(path),)).fetchone()[0]
                touched: dict[str, None] = {}
                end = 0
                for number, (line, place, after) in enumerate(lines, start=1):
                    end = after
                    if (request_id := add(connection, line, file, place)) is not None:
                        touched[request_id] = None
                    if number == _CHUNK:
                        break
                self.judge(connection, touched)
                if end:
                    connection.execute("UPDATE files SET read = ? WHERE id = ?", (end, file))
                elif path.suffix == ".parquet":  # empty or damaged: intake reports its fault
                    connection.execute("UPDATE files SET read = 1 WHERE id = ?", (file,))

    def _add_event(self, connection: sqlite3.Connection, event: Mapping[str, Any], file: int, place: int) -> str | None:
        """Add a line of the log; return the request whose votes must be looked at again."""
        request_id, ts = str(event.get("request_id", "")), _seconds(event.get("ts"))
        if event.get("event") == "skipped":
            values = (request_id, self._person(event.get("annotator")), ts)
            connection.execute("INSERT OR REPLACE INTO skips VALUES (?, ?, ?)", values)
            return request_id
        if event.get("event") != "queued" or not request_id:
            return None
        reason, value = str(event["reason"]), float(event.get("value") or 0.0)
        again = ts if reason in ASKED_AGAIN else None
        doubled = int(is_drawn(self._key, DOUBLE, request_id, self._double_share))
        made = connection.execute(
            "INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'waiting', ?) ON CONFLICT DO UPDATE SET"
            " chosen = CASE WHEN excluded.chosen = 'random' THEN 'random' ELSE chosen END,"
            " probability = coalesce(probability, excluded.probability), value = max(value, excluded.value),"
            " asked_again = max(coalesce(asked_again, excluded.asked_again),"
            " coalesce(excluded.asked_again, asked_again))"
            " RETURNING state",
            (request_id, file, place, ts, str(event.get("chosen") or "value"), event.get("probability"),
             str(event.get("slot") or ""), value, doubled, again, self._votes + doubled),
        ).fetchone()  # fmt: skip
        connection.execute(
            "INSERT INTO reasons VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " ts = max(ts, excluded.ts), value = max(value, excluded.value)",
            (request_id, reason, ts, value, made[0], str(event.get("detail") or "")),
        )
        answered = connection.execute("SELECT 1 FROM votes WHERE request_id = ? LIMIT 1", (request_id,)).fetchone()
        return request_id if answered else None

    def _add_answer(self, connection: sqlite3.Connection, row: Mapping[str, Any], _: int, __: int) -> str | None:
        """Add a correction; return its request, None for a check, whose vote counts nowhere."""
        request_id, person, ts = str(row["request_id"]), self._person(row["annotator"]), _seconds(row["ts"])
        label, answer, batch = row.get("label"), row.get("answer"), str(row.get("batch") or "")
        verdict = str(label) if label is not None else f"\0{answer}"
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

    def _person(self, annotator: Any) -> str:
        return self._persons.get(str(annotator), str(annotator))


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
