"""Reserved space: a file that occupies disk space, emptied when the disk is full so that ledger and flags still fit.

A rollback has to work on a full disk. An empty file shows every process of the home that the space was used: the
gateway accepts no more rows until it is filled again. Add here other ways to reserve space; callers decide when to free
it.
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
_SPARE = 4  # fill it only if a quarter of its size stays free: space that was just freed is not taken again at once


@dataclass(frozen=True)
class ReservedSpace:
    """The reserved space at `path`, of `size` bytes when whole; a size of 0 reserves nothing."""

    path: Path
    size: int

    @property
    def held(self) -> int:
        """Bytes that are reserved now."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    @property
    def spent(self) -> bool:
        """True where the space was freed and is not filled again yet."""
        return self.path.exists() and self.held == 0

    def fill(self) -> bool:
        """Reserve the space if enough stays free beside it; return True when it is whole. Errors leave it empty."""
        if not self.size or self.held == self.size:
            return True
        try:
            if shutil.disk_usage(self.path.parent).free + self.held < self.size + self.size // _SPARE:
                return False
            file = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o660)
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
    """Free the reserved space at `path`; return True when that gave space back."""
    try:
        if path.stat().st_size == 0:
            return False
        os.truncate(path, 0)
    except OSError:
        return False
    return True


def is_full(error: BaseException | None) -> bool:
    """Return True where `error` means that a disk, or a quota, is full."""
    return isinstance(error, OSError) and error.errno in _FULL


def with_reserve(path: Path, write: Callable[[], T]) -> T:
    """Call `write`; on a full disk, free the space at `path` and call it again. For ledger and flags, not for rows."""
    try:
        return write()
    except OSError as error:
        if not is_full(error) or not release(path):
            raise
        return write()
