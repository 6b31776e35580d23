"""Files of landing folders, which anyone may drop: opened once, without following links, and read from there.

Add here what else a stranger may put in a file's place; the formats are `ratchet/storage/row_files/`.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ratchet.storage.row_files.formats import UnreadableError

_DESCRIPTORS = Path("/proc/self/fd")


@contextmanager
def hold_plain_file(path: Path, folder: Path | None = None) -> Iterator[Path]:
    """Yield a path to the very file that `path` names now, whatever takes its place meanwhile.

    `folder` is its parent where that was dropped too, and may be a link as well.
    Raises `UnreadableError` for a link, a pipe or a device, and FileNotFoundError. Where the system has no paths of
    open files, the path itself is yielded after the check.
    """
    try:
        file = _open(path, folder)
    except OSError:
        if path.is_symlink() or (folder is not None and folder.is_symlink()):
            raise UnreadableError("it is a symbolic link") from None
        raise
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise UnreadableError("it is not a plain file")
        yield _DESCRIPTORS / str(file) if _DESCRIPTORS.is_dir() else path.resolve()
    finally:
        os.close(file)


def _open(path: Path, folder: Path | None) -> int:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    if folder is None:
        return os.open(path, flags | os.O_NONBLOCK)
    parent = os.open(folder, flags | os.O_DIRECTORY)
    try:
        return os.open(path.name, flags | os.O_NONBLOCK, dir_fd=parent)
    finally:
        os.close(parent)
