"""The journal: rows that are on disk before they are acknowledged.

One process appends; a thread writes the rows that have gathered since the last write, syncs once, and then acknowledges
them all (group commit). Each line has a checksum, so that a torn tail is recognised. A journal that is left behind by a
crash is sealed by the next process: the same rows give a segment of the same name, and ingest accepts each row once.
Add here what callers wait for; files are `files.py`, and segments are ingested by `ratchet/ingest/landing.py`.
"""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path

from ratchet.core.filesystem import DISK, FileSystem
from ratchet.storage.journal.files import JournalFiles
from ratchet.storage.journal.segments import Row, RowSchema, as_line


class Journal:
    """Durable appends of one kind of row; `landing` receives the sealed segments."""

    def __init__(
        self,
        folder: Path,
        landing: Path,
        rows: RowSchema,
        *,
        seal_rows: int = 5000,
        seal_s: float = 60.0,
        disk: FileSystem = DISK,
        sealed: Callable[[Path], None] = lambda segment: None,
    ) -> None:
        """Seal the journals of an earlier process, and begin a new one; `sealed` is called with each segment.

        Raises OSError when the folder cannot be written, or another process holds the journal.
        """
        self._rows, self._seal_rows, self._seal_s = rows, seal_rows, seal_s
        self._inbox: queue.SimpleQueue[tuple[bytes, Future[None]] | None] = queue.SimpleQueue()
        self._fault: BaseException | None = None
        self._files = JournalFiles(folder, landing, rows, disk, sealed)
        self._seal_at = time.monotonic() + seal_s
        self._thread = threading.Thread(target=self._work, name=f"journal {rows.name}", daemon=True)
        self._thread.start()

    @property
    def stopped(self) -> bool:
        """True where an error ended it: open another on the same folder, which takes over its rows."""
        return self._fault is not None

    @property
    def damaged(self) -> int:
        """Rows that changed on disk: their journal is kept as `*.damaged`."""
        return self._files.damaged

    def append(self, row: Row) -> "Future[None]":
        """Add a row; the future is done once it is on disk, and holds the OSError when it could not be written.

        Raises ValueError for a row of other columns, and OSError once the journal has stopped with an error.
        """
        lacking = set(row) ^ set(self._rows.columns)
        if lacking:
            raise ValueError(f"a row of {self._rows.name} has other columns: {sorted(lacking)}")
        if self._fault is not None:
            raise OSError("the journal has stopped") from self._fault
        done: Future[None] = Future()
        self._inbox.put((as_line(row), done))
        if self._fault is not None:  # it stopped between the check and the put
            self._fail_waiting()
        return done

    def close(self) -> None:
        """Write the waiting rows, seal them, and end. Idempotent."""
        if self._thread.is_alive():
            self._inbox.put(None)
            self._thread.join()

    def _work(self) -> None:
        try:
            self._serve()
        except BaseException as error:
            self._fault = error
            self._fail_waiting()
            raise

    def _fail_waiting(self) -> None:
        """Set an error on all waiting futures, so that no caller waits for ever."""
        try:
            while True:
                if (item := self._inbox.get_nowait()) is not None:
                    item[1].set_exception(OSError("the journal has stopped"))
        except queue.Empty:
            return

    def _serve(self) -> None:
        ending = False
        while not ending:
            batch, ending = self._gather()
            if batch:
                self._write(batch)
            if self._files.written and (
                ending or self._files.written >= self._seal_rows or time.monotonic() >= self._seal_at
            ):
                self._rotate()
        self._files.end()

    def _gather(self) -> tuple[list[tuple[bytes, "Future[None]"]], bool]:
        """Return all waiting rows, after waiting for the first, and True at the end."""
        batch: list[tuple[bytes, Future[None]]] = []
        wait_s = max(0.0, self._seal_at - time.monotonic()) if self._files.written else None
        try:
            item = self._inbox.get(timeout=wait_s)
            while item is not None:
                batch.append(item)
                item = self._inbox.get_nowait()
        except queue.Empty:
            return batch, False
        return batch, True

    def _write(self, batch: Sequence[tuple[bytes, "Future[None]"]]) -> None:
        first = not self._files.written
        try:
            self._files.write([line for line, _ in batch])
        except BaseException as error:
            for _, done in batch:
                done.set_exception(error if isinstance(error, OSError) else OSError("the journal has stopped"))
            if isinstance(error, OSError):
                return
            raise
        if first:
            self._seal_at = time.monotonic() + self._seal_s
        for _, done in batch:
            done.set_result(None)

    def _rotate(self) -> None:
        with suppress(OSError):  # on a full disk the rows stay in the journal until the next attempt
            self._files.rotate()
        self._seal_at = time.monotonic() + self._seal_s
