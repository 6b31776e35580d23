"""`reports/index.html`, written in constant time: one row of fixed size for each week, replaced when it is run again.

The number of a week's row is kept in `reports/.index/<week>`. A kill at any instant leaves whole rows, at worst a torn
last one that the next write covers: a browser drops or closes it. A lost or foreign index is rebuilt from all reports.
Add here how the index is stored; a row's content is in `ratchet/evaluation/report/index.py`.
"""

import fcntl
import json
import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from ratchet.core.files import fsync_folder, write_atomically
from ratchet.core.names import check_name
from ratchet.evaluation.report.index import HEAD_BYTES, ROW_BYTES, begin_row, render_head, render_row
from ratchet.storage.home import Home

_LOG = logging.getLogger(__name__)


class ReportIndex:
    """The index of one classifier's reports."""

    def __init__(self, home: Home, name: str) -> None:
        self._name, self._folder = check_name(name), home.reports(name)
        self.path = self._folder / "index.html"
        self._slots = self._folder / ".index"

    def put(self, week: date, document: Mapping[str, Any]) -> None:
        """Write the row of `week`: in place when it has one, else at the end. Time does not grow with the history."""
        row = render_row(week, document)
        with self._locked():
            if not self._is_ours():
                self._rebuild()
            file = os.open(self.path, os.O_RDWR)
            try:
                slot = self._find(file, week)
                written = os.pwrite(file, row, HEAD_BYTES + slot * ROW_BYTES)
                os.fsync(file)
            finally:
                os.close(file)
        if written != ROW_BYTES:
            raise OSError(f"only {written} of {ROW_BYTES} bytes were written to {self.path}")

    def rebuild(self) -> None:
        """Rebuild the index from every `eval_report.json`; one that cannot be read has a row without figures."""
        with self._locked():
            self._rebuild()

    def _find(self, file: int, week: date) -> int:
        """Return the row of `week`, else the next free one, which is noted before it is written."""
        note, rows = self._slots / str(week), (os.fstat(file).st_size - HEAD_BYTES) // ROW_BYTES
        noted = note.read_text() if note.exists() else ""
        if noted.strip().isdecimal() and int(noted) < rows:
            mark = begin_row(week)  # a note may be older than the file: the row itself must be of that week
            if os.pread(file, len(mark), HEAD_BYTES + int(noted) * ROW_BYTES) == mark:
                return int(noted)
        write_atomically(note, f"{rows}\n".encode())
        return rows

    def _is_ours(self) -> bool:
        if not self.path.is_file() or not self._slots.is_dir():
            return False
        with self.path.open("rb") as file:
            return file.read(HEAD_BYTES) == render_head(self._name)

    def _rebuild(self) -> None:
        """Rebuild index and notes."""
        # notes are removed first and written last, so that a kill in between shows as a lost index
        shutil.rmtree(self._slots, ignore_errors=True)
        reports = sorted(self._reports())
        rows = [render_row(week, document) for week, document in reports]
        write_atomically(self.path, render_head(self._name) + b"".join(rows))
        stage = self._slots.with_name(".index.tmp")
        shutil.rmtree(stage, ignore_errors=True)
        stage.mkdir()
        for slot, (week, _) in enumerate(reports):
            (stage / str(week)).write_text(f"{slot}\n")
        stage.rename(self._slots)
        fsync_folder(self._folder)

    def _reports(self) -> Iterator[tuple[date, dict[str, Any]]]:
        for path in self._folder.glob("*/eval_report.json"):
            try:
                week = date.fromisoformat(path.parent.name)
            except ValueError:
                _LOG.error("%s does not belong to a report: its folder is not a week; move it away", path)
                continue
            yield week, _document(path)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / ".index.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _document(path: Path) -> dict[str, Any]:
    """Return a report's document, empty for one that cannot be read: its week has a row without figures."""
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        _LOG.error("%s cannot be read (%s): run that week's cycle again", path, error)
        return {}
    return document if isinstance(document, dict) else {}
