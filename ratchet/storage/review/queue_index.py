"""Index of the review queue: derived from the logs and the corrections, and brought up to date by each look.

Add here another place that requests or answers are read from; what a line becomes is `index_lines.py`, who is asked
next `ratchet/workflows/review/queue.py`.
"""

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ratchet.storage.home import Home
from ratchet.storage.journal.recent_rows import plain_row, read_segment_rows
from ratchet.storage.journal.segments import left_behind
from ratchet.storage.review.event_log import list_logs, read_line, read_lines
from ratchet.storage.review.index_file import IndexFile
from ratchet.storage.review.index_lines import COLUMNS, add_answer, add_event, judge_items
from ratchet.storage.review.index_settings import IndexSettings

_CHUNK = 20_000
_TEAM_DAYS = 28


class QueueIndex(IndexFile):
    """Index of one classifier; safe for several threads and processes."""

    def __init__(self, home: Home, name: str, settings: IndexSettings) -> None:
        """Open or make the index; `refresh` fills it."""
        self.home, self.name, self._settings = home, name, settings
        super().__init__(home.review(name) / "queue.sqlite", settings.digest)
        self._alone = self._recall_alone()

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

    def add_answer(self, row: Mapping[str, Any]) -> None:
        """Take in one correction that is durable."""
        with self.change() as connection:
            self._judge(connection, filter(None, [add_answer(connection, row, self._settings)]))

    def _recall_alone(self) -> bool:
        return self.rows("SELECT value FROM meta WHERE key = 'alone'") != [("False",)]

    def _note_team(self, now: datetime) -> None:
        alone = len(set(self._settings.persons.values()) | self.team(now)) < 2
        if alone == self._alone:
            return
        with self.change() as connection:
            self._alone = alone
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('alone', ?)", (str(alone),))
            doubled = connection.execute(
                "SELECT DISTINCT v.request_id FROM votes v JOIN items i ON i.request_id = v.request_id WHERE i.doubled"
            ).fetchall()
            self._judge(connection, [request_id for (request_id,) in doubled])

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
                self._judge(connection, touched)
                if end:
                    connection.execute("UPDATE files SET read = ? WHERE id = ?", (end, file))
                elif path.suffix == ".parquet":  # empty or damaged: intake reports its fault
                    connection.execute("UPDATE files SET read = 1 WHERE id = ?", (file,))

    def _add_event(self, connection: sqlite3.Connection, line: Mapping[str, Any], file: int, place: int) -> str | None:
        return add_event(connection, line, file, place, self._settings)

    def _add_answer(self, connection: sqlite3.Connection, line: Mapping[str, Any], _: int, __: int) -> str | None:
        return add_answer(connection, line, self._settings)

    def _judge(self, connection: sqlite3.Connection, request_ids: Iterable[str]) -> None:
        judge_items(connection, request_ids, self._settings.votes, alone=self._alone)
