"""Writing files so that a crash at any instant leaves the old content or the new, never half.

Add here verbs of the file system that stores and training share; what is written is their business.
"""

import json
import os
import threading
from pathlib import Path
from typing import Any, BinaryIO


def fsync_folder(folder: Path) -> None:
    """Make renames and new names in `folder` durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def publish(stage: Path, target: Path) -> None:
    """Replace `target` by the finished file `stage` of the same folder: fsync, rename, fsync of the folder."""
    with stage.open("rb+") as file:
        os.fsync(file.fileno())
    stage.replace(target)
    fsync_folder(target.parent)


def write_atomically(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Write `content` to `path`: dot-file, fsync, rename, fsync of the folder. `mode` is cut by the umask."""
    path.parent.mkdir(parents=True, exist_ok=True)
    stage = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        with os.fdopen(os.open(stage, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            file.write(content)
        publish(stage, path)
    finally:
        stage.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON; NaN and infinity are refused (ValueError)."""
    write_atomically(path, (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode())


def append_line(path: Path, line: str) -> None:
    """Append one line, durable when this returns. A torn tail of a crashed append, never acknowledged, is cut first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    created = not path.exists()
    with path.open("ab+") as file:
        file.truncate(_end_of_last_line(file))
        file.write(line.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    if created:
        fsync_folder(path.parent)


def _end_of_last_line(file: BinaryIO) -> int:
    """Offset just after the last line break, 0 when there is none."""
    end = file.seek(0, os.SEEK_END)
    while end > 0:
        start = max(0, end - 65536)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0
