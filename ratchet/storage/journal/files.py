"""The files of a journal: rows are appended and synced, sealed into segments, and taken over from a killed process.

One process at a time holds a journal; a second gets an error, and takes nothing over. Nothing here knows of threads or
of time. Add here how rows survive on disk; waiting for them is `journal.py`, the format of a segment `segments.py`.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from ratchet.core.digests import digest_bytes
from ratchet.core.failpoints import failpoint
from ratchet.core.files import make_folder
from ratchet.core.filesystem import DISK, FileSystem
from ratchet.storage.journal.segments import (
    SUFFIX,
    RowSchema,
    damaged_name,
    examine_journal,
    left_behind,
    number_of,
    publish_segment,
    sweep_unsealed,
)


class JournalFiles:
    """The journals of one kind of row in `folder`; `landing` receives their segments.

    `written` counts the rows in the newest journal, `damaged` the rows that changed on disk: their journal is kept as
    `*.damaged`.
    """

    def __init__(
        self,
        folder: Path,
        landing: Path,
        rows: RowSchema,
        disk: FileSystem = DISK,
        sealed: Callable[[Path], None] = lambda segment: None,
    ) -> None:
        """Seal the journals of an earlier process, and begin a new one; `sealed` is called with each segment.

        Raises OSError when the folder cannot be written, BlockingIOError when another process holds it.
        """
        self._folder, self._landing, self._rows, self._disk = folder, landing, rows, disk
        self._sealed = sealed
        self.damaged = self.written = 0
        self._acknowledged: dict[Path, int] = {}
        with ExitStack() as held:
            make_folder(folder, disk)
            make_folder(landing, disk)
            held.enter_context(disk.lock(folder / ".lock", wait=False))
            sweep_unsealed(landing, disk)
            left = left_behind(folder, disk)
            self._begin()  # before the others are gone: a later journal has a higher number, whatever happens
            for path in left:
                self._seal(path)
            self._held = held.pop_all()

    def write(self, lines: Sequence[bytes]) -> None:
        """Append lines, durable when this returns; raises OSError when they are not, and then none of them is a row."""
        content = b"".join(lines)
        try:
            failpoint("journal.before_write")
            self._disk.append(self._path, content, at=self._length)
            failpoint("journal.before_sync")
            self._disk.fsync(self._path)
        except OSError:
            # half a batch was never acknowledged: cut it now, or with the next write
            with suppress(OSError):
                self._disk.append(self._path, b"", at=self._length)
            raise
        self._length += len(content)
        self._acknowledged[self._path] = self._length
        self.written += len(lines)
        failpoint("journal.before_answer")

    def rotate(self) -> None:
        """Begin the next journal, then seal the others; raises OSError on a full disk, and keeps every row."""
        self._begin()
        for left in left_behind(self._folder, self._disk):
            if left != self._path:
                self._seal(left)

    def end(self) -> None:
        """Release the journal to other processes. An empty one stays: its number is the last one that was given."""
        self._held.close()

    def _begin(self) -> None:
        number = 1 + max(map(number_of, left_behind(self._folder, self._disk)), default=0)
        path = self._folder / f"{number:012d}{SUFFIX}"
        self._disk.create(path, mode=0o660)
        self._disk.fsync_dir(self._folder)
        self._path, self._length, self.written = path, 0, 0
        self._acknowledged[path] = 0

    def _seal(self, path: Path) -> None:
        self._disk.fsync(path)  # else a power loss may undo rows that a published segment already holds
        found = examine_journal(path, self._disk, acknowledged=self._acknowledged.get(path, 0))
        if found.rows:
            segment = publish_segment(self._landing, self._rows, found.rows, self._disk, journal=number_of(path))
            self._sealed(segment)
            failpoint("journal.after_segment")
        if found.damaged or found.torn:  # intact rows are used, the file is kept for inspection and counted
            self.damaged += found.damaged
            mark = digest_bytes(self._disk.read(path))[:12]
            kept = damaged_name(number_of(path), mark, found)
            self._disk.replace(path, path.with_name(kept))
        else:
            self._disk.unlink(path)
        self._disk.fsync_dir(self._folder)
        self._acknowledged.pop(path, None)
