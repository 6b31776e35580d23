"""Writing files so that a crash at any instant leaves the old content or the new, never half.

Add here verbs of the file system that stores and training share; what is written is their business. What a disk can do
at all is `ratchet/core/filesystem.py`: every verb here takes one, the real one unless a test gives another.
"""

import json
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from ratchet.core.filesystem import DISK, FileSystem


def fsync_folder(folder: Path) -> None:
    """Make renames and new names in `folder` durable."""
    DISK.fsync_dir(folder)


def make_folder(folder: Path, disk: FileSystem = DISK) -> None:
    """Make `folder` with its parents where they are missing, each durable."""
    try:
        disk.mkdir(folder)
    except FileExistsError:
        pass
    except FileNotFoundError:
        make_folder(folder.parent, disk)
        make_folder(folder, disk)
        return
    disk.fsync_dir(folder.parent)  # always: whoever made the folder may have been killed before this


def publish_file(stage: Path, target: Path, disk: FileSystem = DISK) -> None:
    """Replace `target` by the finished file `stage` of the same folder: fsync, rename, fsync of the folder."""
    disk.fsync(stage)
    _rename(stage, target, disk)


def publish_folder(stage: Path, target: Path, disk: FileSystem = DISK) -> None:
    """Give the finished folder `stage`, whoever wrote its files, the name `target` in the same folder, all of it
    durable."""
    for name in disk.list(stage):
        disk.fsync(stage / name)
    disk.fsync_dir(stage)
    _rename(stage, target, disk)


def _rename(stage: Path, target: Path, disk: FileSystem) -> None:
    disk.replace(stage, target)
    disk.fsync_dir(target.parent)


def write_atomically(path: Path, content: bytes, mode: int = 0o666, disk: FileSystem = DISK) -> None:
    """Write `content` to `path`: dot-file, fsync, rename, fsync of the folder. `mode` is cut by the umask."""
    make_folder(path.parent, disk)
    stage = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    disk.unlink(stage)  # left by a killed process that had the same number
    try:
        disk.create(stage, content, mode)
        publish_file(stage, path, disk)
    except BaseException:
        disk.unlink(stage)
        raise


def write_json(path: Path, value: Any, mode: int = 0o666, disk: FileSystem = DISK) -> None:
    """Write `value` as indented JSON; NaN and infinity are refused (ValueError)."""
    write_atomically(
        path, (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode(), mode, disk
    )


def append_line(path: Path, line: str, disk: FileSystem = DISK) -> None:
    """Append one line, durable when this returns. A torn tail of a crashed append, never acknowledged, is cut first."""
    make_folder(path.parent, disk)
    content = read_if_there(path, disk)
    if content is None:
        disk.create(path)
    content = content or b""
    whole = sum(len(each) + 1 for each in whole_lines(content))
    if whole < len(content):
        disk.append(path, b"", at=whole)
    if content:
        # Durable first: else a crash may mix the blocks of an old tail, or of an unsynced line, with those of the new
        # line.
        disk.fsync(path)
    try:
        disk.append(path, line.encode() + b"\n", at=whole)
        disk.fsync(path)
    except OSError:
        # a line that is not durable is no line; if it cannot be cut now, the reader may still meet it
        with suppress(OSError):
            disk.append(path, b"", at=whole)
        raise
    disk.fsync_dir(path.parent)  # always: whoever made the file may have been killed before this


def whole_lines(content: bytes) -> list[bytes]:
    """The lines that were appended whole. After the last line break stands nothing, or a torn append.

    So is a last line that holds a zero byte: a block of it never reached the disk. Our lines are JSON, which has none.
    """
    lines = content.split(b"\n")[:-1]
    return lines[:-1] if lines and b"\0" in lines[-1] else lines


def read_if_there(path: Path, disk: FileSystem = DISK) -> bytes | None:
    """The content of a file, or None when there is none."""
    try:
        return disk.read(path)
    except FileNotFoundError:
        return None
