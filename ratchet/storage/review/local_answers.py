"""Answers that people give at this machine: each durable at once, and landed together as one segment.

A segment of its own for each answer would cost every intake more than the answers. A file is held by its session; what
a killed one left is landed by the next session or intake. Add here how such answers survive; who gives them is
`ratchet/workflows/review/local_review.py`.
"""

import contextlib
import fcntl
import os
import re
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ratchet.core.failpoints import failpoint
from ratchet.core.files import make_folder
from ratchet.core.filesystem import DISK
from ratchet.data.records import KINDS
from ratchet.storage.home import Home
from ratchet.storage.journal.segments import RowSchema, as_line, publish_segment
from ratchet.storage.review.event_log import read_lines

LAND_S, LAND_ROWS = 60.0, 50
"""Seconds after its first answer, or number of answers, after which a session lands what it holds."""
_IDLE_S = 120.0
"""Seconds without an answer after which an intake takes those of a session that goes on."""
_FILE = re.compile(r"answers-[0-9a-f]{16}\.jsonl")
_ROWS = RowSchema("corrections", {column.name: column.sql for column in KINDS["corrections"].columns})


class LocalAnswers:
    """Answers of one session."""

    def __init__(self, home: Home, name: str) -> None:
        self._home, self._name = home, name
        self._file, self._path = -1, Path()
        self._rows: list[dict[str, Any]] = []
        self._first_s = 0.0

    def append(self, row: Mapping[str, Any]) -> None:
        """Add a correction; it is durable on return, or OSError is raised and it is none."""
        if self._file < 0:
            self._begin()
        end = os.fstat(self._file).st_size
        line, place = memoryview(as_line(_of(row))), end
        try:
            while line:
                written = os.pwrite(self._file, line, place)
                place, line = place + written, line[written:]
            os.fsync(self._file)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, end)
            raise
        self._first_s = self._first_s if self._rows else time.monotonic()
        self._rows.append(_of(row))

    @property
    def is_due(self) -> bool:
        """True where the answers should be landed."""
        return bool(self._rows) and (len(self._rows) >= LAND_ROWS or time.monotonic() - self._first_s >= LAND_S)

    def land(self) -> None:
        """Land the answers so far, and end their file. Raises OSError; the file then stays for the next attempt."""
        if self._file < 0:
            return
        if self._rows:
            land_rows(self._home, self._name, self._rows)
            failpoint("review.after_segment")
        self._path.unlink(missing_ok=True)
        os.close(self._file)
        self._file, self._rows = -1, []

    def _begin(self) -> None:
        folder = self._home.review(self._name)
        make_folder(folder)
        while self._file < 0:
            path = folder / f"answers-{secrets.token_hex(8)}.jsonl"
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o660)
            fcntl.flock(file, fcntl.LOCK_EX)
            if path.exists():  # else an intake took the new file for one that was left
                self._file, self._path = file, path
            else:
                os.close(file)
        DISK.fsync_dir(folder)


def land_rows(home: Home, name: str, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Land corrections as one segment, durable on return; the same rows give the same file. Raises OSError."""
    folder = home.landing(name, "corrections")
    make_folder(folder)
    return publish_segment(folder, _ROWS, [_of(row) for row in rows])


def land_left_answers(home: Home, name: str) -> None:
    """Land what sessions left behind, and what idle ones hold. Twice the same rows are the same segment."""
    folder = home.review(name)
    for path in sorted(folder.glob("answers-*.jsonl")) if folder.is_dir() else ():
        if not _FILE.fullmatch(path.name):
            continue
        with contextlib.suppress(FileNotFoundError), _held(path) as free:
            if not free and time.time() - path.stat().st_mtime < _IDLE_S:
                continue
            if rows := [row for row, _, _ in read_lines(path, 0)]:
                land_rows(home, name, rows)
            if free:
                path.unlink(missing_ok=True)


@contextmanager
def _held(path: Path) -> Iterator[bool]:
    """Hold a file unless its session does; yields False then."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(file)


def _of(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row.get(name) for name in _ROWS.columns}
