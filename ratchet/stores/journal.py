"""The journal: rows that are on disk before anyone is told so, and become Parquet segments of a landing folder.

One process appends; a thread writes what has gathered since the last write, syncs once, and then answers all of it (group
commit). Each line carries a checksum, so that a torn tail is known for what it is. A journal that is left behind by a crash is
sealed by the next process: the same rows give a segment of the same name, and intake takes each row once. Add here how rows
survive; what a row means is said where it is made (`gateway/`), how segments are taken in `landing.py`.
"""

import json
import os
import queue
import threading
import time
import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ratchet.failpoints import failpoint
from ratchet.files import fsync_folder, publish
from ratchet.identity import canonical_json, digest_bytes

Row = Mapping[str, Any]

_SUFFIX = ".wal"
_CRC_CHARS = 8
_SHOWN = 12


@dataclass(frozen=True)
class Rows:
    """What a journal holds: `name`, and for each column its SQL type (VARCHAR, TIMESTAMPTZ, DOUBLE or BOOLEAN)."""

    name: str
    columns: Mapping[str, str]


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
        self.damaged = 0
        folder.mkdir(parents=True, exist_ok=True)
        landing.mkdir(parents=True, exist_ok=True)
        for left in left_behind(folder):
            self._seal(left)
        self._open(1 + max(map(_number, left_behind(folder)), default=0))
        self._thread = threading.Thread(target=self._work, name=f"journal {rows.name}", daemon=True)
        self._thread.start()

    def append(self, row: Row) -> "Future[None]":
        """Add a row; the future is done once it is on disk, and holds the OSError when it could not be written."""
        lacking = set(row) ^ set(self._rows.columns)
        if lacking:
            raise ValueError(f"a row of {self._rows.name} has other columns: {sorted(lacking)}")
        content = canonical_json(row).encode()
        done: Future[None] = Future()
        self._inbox.put((b"%08x %s\n" % (zlib.crc32(content), content), done))
        return done

    def close(self) -> None:
        """Write what is waiting, seal it, and end. Idempotent."""
        if self._thread.is_alive():
            self._inbox.put(None)
            self._thread.join()

    def _work(self) -> None:
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
            os.ftruncate(self._file, self._length)  # half a batch is no batch: nobody was told that it is there
            os.lseek(self._file, self._length, os.SEEK_SET)
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
        last, number = self._path, _number(self._path)
        try:
            os.close(self._file)
            self._open(number + 1)
            for left in left_behind(self._folder):
                if left != self._path:
                    self._seal(left)
        except OSError:
            if self._path == last:  # not even the next journal could be begun: go on with this one
                self._file = os.open(last, os.O_RDWR)
                os.lseek(self._file, 0, os.SEEK_END)
            self._seal_at = time.monotonic() + self._seal_s

    def _open(self, number: int) -> None:
        path = self._folder / f"{number:012d}{_SUFFIX}"
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
            path.rename(path.with_name(f"{path.stem}-{digest_bytes(path.read_bytes())[:_SHOWN]}.damaged"))
        else:
            path.unlink()
        fsync_folder(self._folder)


def left_behind(folder: Path) -> list[Path]:
    """The journals of a folder, oldest first."""
    return sorted(path for path in folder.glob(f"*{_SUFFIX}") if path.stem.isdigit())


def read_journal(path: Path) -> tuple[list[dict[str, Any]], int]:
    """The whole rows of a journal, and how many damaged lines stand before a whole one.

    What is damaged at the very end is a torn write that nobody was told of: it is no row, and no damage.
    """
    rows: list[dict[str, Any]] = []
    damaged = torn = 0
    for line in path.read_bytes().split(b"\n")[:-1]:
        said, _, content = line.partition(b" ")
        if len(said) == _CRC_CHARS and said == b"%08x" % zlib.crc32(content):
            rows.append(json.loads(content))
            damaged, torn = damaged + torn, 0
        else:
            torn += 1
    return rows, damaged


def publish_segment(landing: Path, rows: Rows, content: Sequence[Row]) -> Path:
    """Write rows, in the order of their time, as one Parquet file named by what it holds; idempotent."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {"VARCHAR": pa.string(), "TIMESTAMPTZ": pa.timestamp("us", tz="UTC"), "DOUBLE": pa.float64(), "BOOLEAN": pa.bool_()}
    ordered = sorted(content, key=lambda row: str(row.get("ts")))
    name = digest_bytes(canonical_json([dict(row) for row in ordered]).encode())[:_SHOWN]
    columns = {column: pa.array([_stored(row[column], sql) for row in ordered], types[sql]) for column, sql in rows.columns.items()}
    target = landing / f"gateway-{name}.parquet"
    stage = landing / f".gateway-{name}.{os.getpid()}.stage"
    try:
        pq.write_table(pa.table(columns), stage, compression="zstd")
        publish(stage, target)
    finally:
        stage.unlink(missing_ok=True)
    return target


def _stored(value: Any, sql: str) -> Any:
    return datetime.fromisoformat(value) if sql == "TIMESTAMPTZ" and value is not None else value


def _number(path: Path) -> int:
    return int(path.stem)


def _write_whole(file: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(file, view) :]
