"""Ballast: a file that holds room on the disk, let go when the disk is full, so that what matters most can still be
written.

What matters most is the ledger and the flags: a rollback has to work on a full disk. An empty ballast file says that it
was spent, to every process of the home: the gateway takes no more rows until it holds room again. Add here other ways
to hold room back; who gives it up, and for what, is said where it is used.
"""

import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_SPARE = 4  # a quarter of its size stays free beside it: what comes back is not taken away at once


@dataclass(frozen=True)
class ReservedSpace:
    """The ballast at `path`, of `size` bytes when whole; a size of 0 is none."""

    path: Path
    size: int

    @property
    def held(self) -> int:
        """Bytes that it holds now."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    @property
    def spent(self) -> bool:
        """Whether it was let go and holds no room again yet."""
        return self.path.exists() and self.held == 0

    def fill(self) -> bool:
        """Hold the room, where there is room beside it; True when it is whole. A disk that refuses leaves it as it
        was."""
        if not self.size or self.held == self.size:
            return True
        try:
            if shutil.disk_usage(self.path.parent).free + self.held < self.size + self.size // _SPARE:
                return False
            file = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600)
        except OSError:
            return False
        try:
            os.ftruncate(file, 0)
            os.posix_fallocate(file, 0, self.size)  # real blocks: a sparse file would hold nothing
            os.fsync(file)
        except OSError:
            os.ftruncate(file, 0)
            return False
        finally:
            os.close(file)
        return True


def release(path: Path) -> bool:
    """Let the ballast at `path` go; True when that gave room back."""
    try:
        if path.stat().st_size == 0:
            return False
        os.truncate(path, 0)
    except OSError:
        return False
    return True


def is_full(error: BaseException | None) -> bool:
    """Whether `error` says that a disk, or a share of it, is full."""
    return isinstance(error, OSError) and error.errno in _FULL


def with_reserve(path: Path, write: Callable[[], T]) -> T:
    """Do `write`; on a full disk, once more without the ballast at `path`. For the ledger and the flags, never for
    rows."""
    try:
        return write()
    except OSError as error:
        if not is_full(error) or not release(path):
            raise
        return write()
