"""File system operations that durable writes are made of: the interface, and the real disk.

Every file that must survive a crash is written through these operations, so that a test can use a disk that loses power
at any of them (`ratchet/testing/disk/power_loss.py`). Add an operation here when a store needs it;
`ratchet/core/files.py` combines them to safe writes. DuckDB, PEFT and Dagster write their own files without them.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol


class FileSystem(Protocol):
    """File system interface. Every method raises OSError as the operating system does.

    Only `fsync` and `fsync_dir` make anything durable.
    """

    def create(self, path: Path, content: bytes = b"", mode: int = 0o666) -> None:
        """Create a new file; raises FileExistsError if it exists."""

    def append(self, path: Path, content: bytes, at: int) -> None:
        """Write `content` after the first `at` bytes of an existing file and cut the rest."""

    def fsync(self, path: Path) -> None:
        """Make the content of a file durable, but not its name."""

    def replace(self, source: Path, target: Path) -> None:
        """Rename a file within its folder and replace the file that had the new name."""

    def fsync_dir(self, folder: Path) -> None:
        """Make the names in a folder durable."""

    def read(self, path: Path) -> bytes:
        """Return the whole content; raises FileNotFoundError."""

    def list(self, folder: Path) -> list[str]:
        """Return the sorted names in a folder; an empty list when it does not exist."""

    def unlink(self, path: Path) -> None:
        """Remove a file if it exists."""

    def mkdir(self, folder: Path) -> None:
        """Create one folder; raises FileExistsError, and FileNotFoundError when its parent does not exist."""

    def lock(self, path: Path, *, wait: bool = True) -> AbstractContextManager[None]:
        """Hold the lock `path` until the end of the block or of the process.

        Without `wait`, raises BlockingIOError when another process holds it.
        """


class Disk:
    """The real disk."""

    def create(self, path: Path, content: bytes = b"", mode: int = 0o666) -> None:
        """See `FileSystem`. The umask applies to `mode`."""
        _write(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), content, path)

    def append(self, path: Path, content: bytes, at: int) -> None:
        """See `FileSystem`."""
        file = os.open(path, os.O_WRONLY)
        with _naming(path):
            if os.fstat(file).st_size != at:
                os.ftruncate(file, at)
            os.lseek(file, at, os.SEEK_SET)
        _write(file, content, path)

    def fsync(self, path: Path) -> None:
        """See `FileSystem`. Opening the file again also reports a write-back error that no process has seen yet."""
        _sync(path, os.O_RDWR)

    def replace(self, source: Path, target: Path) -> None:
        """See `FileSystem`."""
        source.replace(target)

    def fsync_dir(self, folder: Path) -> None:
        """See `FileSystem`."""
        _sync(folder, os.O_RDONLY | os.O_DIRECTORY)

    def read(self, path: Path) -> bytes:
        """See `FileSystem`."""
        return path.read_bytes()

    def list(self, folder: Path) -> list[str]:
        """See `FileSystem`."""
        try:
            return sorted(path.name for path in folder.iterdir())
        except FileNotFoundError:
            return []

    def unlink(self, path: Path) -> None:
        """See `FileSystem`."""
        path.unlink(missing_ok=True)

    def mkdir(self, folder: Path) -> None:
        """See `FileSystem`."""
        folder.mkdir()

    @contextmanager
    def lock(self, path: Path, *, wait: bool = True) -> Iterator[None]:
        """See `FileSystem`: flock on a file that is kept."""
        with path.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            yield


DISK: FileSystem = Disk()
"""The real disk: stateless, and the default of every store."""


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Name `path` in an error of the operating system, which knows of an open file only its number."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def _write(file: int, content: bytes, path: Path) -> None:
    try:
        view = memoryview(content)
        with _naming(path):
            while view:
                view = view[os.write(file, view) :]
    finally:
        os.close(file)


def _sync(path: Path, flags: int) -> None:
    file = os.open(path, flags)
    try:
        with _naming(path):
            os.fsync(file)
    finally:
        os.close(file)
