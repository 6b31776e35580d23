"""Files of landing folders, which anyone may drop: opened once, without following links, and read from there.

Add here what else a stranger may put in a file's place; the formats are `readers.py`.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ratchet.ingest.readers import UnreadableError

_DESCRIPTORS = Path("/proc/self/fd")


@contextmanager
def hold_plain_file(path: Path) -> Iterator[Path]:
    """Yield a path to the very file that `path` names now, whatever takes its place meanwhile.

    Raises `UnreadableError` for a link, a pipe or a device, and FileNotFoundError. Where the system has no paths of
    open files, the path itself is yielded after the check.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        if path.is_symlink():
            raise UnreadableError("it is a symbolic link") from None
        raise
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise UnreadableError("it is not a plain file")
        yield _DESCRIPTORS / str(file) if _DESCRIPTORS.is_dir() else path.resolve()
    finally:
        os.close(file)
