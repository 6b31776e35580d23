"""The journal: rows that are on disk before anyone is told so.

One process appends; a thread writes what has gathered since the last write, syncs once, and then answers all of it (group
commit). Each line carries a checksum, so that a torn tail is known for what it is. A journal that is left behind by a crash is
sealed by the next process: the same rows give a segment of the same name, and intake takes each row once. Add here how rows
survive; what a segment is, is `sealing.py`, and how segments are taken `landing.py`.
"""

import os
import queue
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path

from ratchet.failpoints import failpoint
from ratchet.files import fsync_folder
from ratchet.identity import digest_bytes
from ratchet.stores.sealing import SUFFIX, Row, Rows, as_line, left_behind, number_of, publish_segment, read_journal


class Journal:
    """Durable appends of one kind of row; `landing` receives the sealed segments.

    `damaged` counts rows that the disk changed: their journal is kept aside as `*.damaged`.
    """

    def __init__(self, folder: Path, landing: Path, rows: Rows, *, seal_rows: int = 5000, seal_s: float = 60.0) -> None:
        """Seal what an earlier process left behind, and begin a new journal. Raises OSError when the folder cannot be written."""
        self._folder, self._landing, self._rows = folder, landing, rows
        self._seal_rows, self._seal_s = seal_rows, seal_s
        self._inbox: queue.SimpleQueue[tuple[bytes, Future[None]] | None] = queue.SimpleQueue()
        self._file = -1
        self._fault: BaseException | None = None
        self.damaged = 0
        folder.mkdir(parents=True, exist_ok=True)
        landing.mkdir(parents=True, exist_ok=True)
        for left in left_behind(folder):
            self._seal(left)
        self._open()
        self._thread = threading.Thread(target=self._work, name=f"journal {rows.name}", daemon=True)
        self._thread.start()

    @property
    def stopped(self) -> bool:
        """Whether a fault of its own ended it: open another on the same folder, which takes what this one left behind."""
        return self._fault is not None

    def append(self, row: Row) -> "Future[None]":
        """Add a row; the future is done once it is on disk, and holds the OSError when it could not be written.

        Raises ValueError for a row of other columns, and OSError once the journal has stopped for a fault of its own.
        """
        lacking = set(row) ^ set(self._rows.columns)
        if lacking:
            raise ValueError(f"a row of {self._rows.name} has other columns: {sorted(lacking)}")
        if self._fault is not None:
            raise OSError("the journal has stopped") from self._fault
        done: Future[None] = Future()
        self._inbox.put((as_line(row), done))
        if self._fault is not None:  # it stopped between the look and the put
            self._refuse_waiting()
        return done

    def close(self) -> None:
        """Write what is waiting, seal it, and end. Idempotent."""
        if self._thread.is_alive():
            self._inbox.put(None)
            self._thread.join()

    def _work(self) -> None:
        try:
            self._serve()
        except BaseException as error:
            self._fault = error
            self._refuse_waiting()
            raise

    def _refuse_waiting(self) -> None:
        """Nobody shall wait for an answer that will not come."""
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
            if self._written and (ending or self._written >= self._seal_rows or time.monotonic() >= self._seal_at):
                self._rotate()
        os.close(self._file)
        if not self._written:
            self._path.unlink(missing_ok=True)

    def _gather(self) -> tuple[list[tuple[bytes, "Future[None]"]], bool]:
        """Everything that waits now, after waiting for the first; and whether this is the end."""
        batch: list[tuple[bytes, Future[None]]] = []
        wait_s = max(0.0, self._seal_at - time.monotonic()) if self._written else None
        try:
            item = self._inbox.get(timeout=wait_s)
            while item is not None:
                batch.append(item)
                item = self._inbox.get_nowait()
        except queue.Empty:
            return batch, False
        return batch, True

    def _write(self, batch: Sequence[tuple[bytes, "Future[None]"]]) -> None:
        content = b"".join(line for line, _ in batch)
        failpoint("journal.before_write")
        try:
            _write_whole(self._file, content)
            failpoint("journal.before_sync")
            os.fsync(self._file)
        except OSError as error:
            try:
                os.ftruncate(self._file, self._length)  # half a batch is no batch: nobody was told that it is there
                os.lseek(self._file, self._length, os.SEEK_SET)
            finally:  # a disk that cannot even cut ends the journal: whoever waits is told all the same
                for _, done in batch:
                    done.set_exception(error)
            return
        failpoint("journal.before_answer")
        if not self._written:
            self._seal_at = time.monotonic() + self._seal_s
        self._length += len(content)
        self._written += len(batch)
        for _, done in batch:
            done.set_result(None)

    def _rotate(self) -> None:
        """Begin the next journal, then make a segment of the last: a disk that is full keeps it for the next attempt."""
        last = self._path
        try:
            os.close(self._file)
            self._open()
            for left in left_behind(self._folder):
                if left != self._path:
                    self._seal(left)
        except OSError:
            if self._path == last:  # not even the next journal could be begun: go on with this one
                self._file = os.open(last, os.O_RDWR)
                os.lseek(self._file, 0, os.SEEK_END)
            self._seal_at = time.monotonic() + self._seal_s

    def _open(self) -> None:
        number = 1 + max(map(number_of, left_behind(self._folder)), default=0)
        path = self._folder / f"{number:012d}{SUFFIX}"
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        fsync_folder(self._folder)
        self._path, self._length, self._written = path, 0, 0
        self._seal_at = time.monotonic() + self._seal_s

    def _seal(self, path: Path) -> None:
        rows, damaged = read_journal(path)
        if rows:
            publish_segment(self._landing, self._rows, rows)
            failpoint("journal.after_segment")
        if damaged:  # the disk changed what was written: the whole rows are taken, the file is kept to be looked at
            self.damaged += damaged
            path.rename(path.with_name(f"{path.stem}-{digest_bytes(path.read_bytes())[:12]}.damaged"))
        else:
            path.unlink()
        fsync_folder(self._folder)


def _write_whole(file: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(file, view) :]
