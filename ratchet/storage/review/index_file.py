"""The file `review/queue.sqlite`: opened, made anew where it is damaged or of other settings, and locked for changes.

Add here how the file is kept; its tables are `index_tables.py`, what they hold `index_lines.py`.
"""

import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ratchet.core.files import make_folder
from ratchet.core.timeouts import REVIEW_INDEX_S
from ratchet.storage.review.index_tables import TABLES


class IndexFile:
    """Connection to the file; safe for several threads and processes."""

    def __init__(self, path: Path, made_of: str) -> None:
        """Open or make the file; one whose settings, as the digest `made_of`, are others is made anew in place."""
        make_folder(path.parent)
        self._path, self._made_of, self._lock = path, made_of, threading.RLock()
        self._connection = self._open()
        self._inode = self._path.stat().st_ino

    @property
    def is_in_place(self) -> bool:
        """False once the file was removed, by hand or since it is damaged: only a new opening shares locks again."""
        try:
            return self._path.stat().st_ino == self._inode
        except FileNotFoundError:
            return False

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """Hold the index for a change; other processes wait. An error undoes the change."""
        with self._lock, self._undamaged():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def rows(self, sql: str, values: Mapping[str, Any] | tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with self._lock, self._undamaged():
            return self._connection.execute(sql, values).fetchall()

    @contextmanager
    def _undamaged(self) -> Iterator[None]:
        """Remove a file that turns out to be damaged, so that the next opening makes it anew; the error goes on."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            if type(error) is sqlite3.DatabaseError and self.is_in_place:  # its kinds are locks, full disks, our errors
                self._remove()
            raise

    def _remove(self) -> None:
        for suffix in ("", "-wal", "-shm"):  # all that counts stands in the logs and corrections
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)

    def _open(self) -> sqlite3.Connection:
        for attempt in range(2):
            connection = sqlite3.connect(
                self._path, timeout=REVIEW_INDEX_S, isolation_level=None, check_same_thread=False
            )
            try:
                self._prepare(connection)
            except sqlite3.OperationalError:  # locked, or the disk is full: nothing is wrong with the file
                connection.close()
                raise
            except sqlite3.DatabaseError:
                connection.close()
                if attempt:
                    raise
                self._remove()
            else:
                return connection
        raise AssertionError

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Make the tables; those that other settings made are made anew in place, under whoever uses them."""
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("BEGIN IMMEDIATE")
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = connection.execute("SELECT value FROM meta WHERE key = 'made_of'").fetchall() if tables else []
        if found != [(self._made_of,)]:
            for name in tables:
                connection.execute(f'DROP TABLE "{name}"')
            for statement in filter(str.strip, TABLES.split(";")):
                connection.execute(statement)
            connection.execute("INSERT INTO meta VALUES ('made_of', ?)", (self._made_of,))
        connection.execute("COMMIT")
