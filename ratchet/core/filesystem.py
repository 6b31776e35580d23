"""The few verbs by which durable files are written: what a disk can do, and the real one.

Whatever must survive a crash is written through these verbs, so that a test can put a disk in their place which loses
power at any of them (`ratchet/testing/disk/power_loss.py`). Add a verb here when a store cannot do without it; how
verbs make a safe write is `ratchet/core/files.py`. Not written so: what DuckDB, PEFT and Dagster write themselves.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol


class FileSystem(Protocol):
    """What a disk can do. Every verb raises OSError as the operating system does; only `fsync` and `fsync_dir` make
    durable."""

    def create(self, path: Path, content: bytes = b"", mode: int = 0o666) -> None:
        """Make a new file; raises FileExistsError where there is one."""

    def append(self, path: Path, content: bytes, at: int) -> None:
        """Let `content` follow the first `at` bytes of an existing file; what stood behind them is cut."""

    def fsync(self, path: Path) -> None:
        """Make the content of a file durable; not its name."""

    def replace(self, source: Path, target: Path) -> None:
        """Give a file another name in its folder, in place of the file that had it."""

    def fsync_dir(self, folder: Path) -> None:
        """Make the names in a folder durable."""

    def read(self, path: Path) -> bytes:
        """The whole content; raises FileNotFoundError."""

    def list(self, folder: Path) -> list[str]:
        """Names in a folder, sorted; none when it is missing."""

    def unlink(self, path: Path) -> None:
        """Remove a file, if it is there."""

    def mkdir(self, folder: Path) -> None:
        """Make one folder; raises FileExistsError, and FileNotFoundError when its parent is missing."""

    def lock(self, path: Path, *, wait: bool = True) -> AbstractContextManager[None]:
        """Hold the lock of that name until the end of the block, or of the process; without `wait` raises
        BlockingIOError."""


class Disk:
    """The real one."""

    def create(self, path: Path, content: bytes = b"", mode: int = 0o666) -> None:
        """See `FileSystem`. `mode` is cut by the umask."""
        _write(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), content)

    def append(self, path: Path, content: bytes, at: int) -> None:
        """See `FileSystem`."""
        file = os.open(path, os.O_WRONLY)
        if os.fstat(file).st_size != at:
            os.ftruncate(file, at)
        os.lseek(file, at, os.SEEK_SET)
        _write(file, content)

    def fsync(self, path: Path) -> None:
        """See `FileSystem`. A file opened anew also reports a write-back fault that nobody was told of yet."""
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
        """See `FileSystem`: flock on a file that stays."""
        with path.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            yield


DISK: FileSystem = Disk()
"""The real disk, which holds no state: the default wherever a store may be given another."""


def _write(file: int, content: bytes) -> None:
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(file, view) :]
    finally:
        os.close(file)


def _sync(path: Path, flags: int) -> None:
    file = os.open(path, flags)
    try:
        os.fsync(file)
    finally:
        os.close(file)
