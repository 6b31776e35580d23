"""Crash-safe file writes: after a crash at any instant a file has its old content or its new, never half.

Add here file operations that several stores share. The primitive operations are in `ratchet/core/filesystem.py`: every
function here takes a file system, the real disk unless a test passes another.
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
    """Create `folder` and its missing parents, each durable."""
    try:
        disk.mkdir(folder)
    except FileExistsError:
        pass
    except FileNotFoundError:
        make_folder(folder.parent, disk)
        make_folder(folder, disk)
        return
    disk.fsync_dir(folder.parent)  # always: the process that made the folder may have been killed before this line


def publish_file(stage: Path, target: Path, disk: FileSystem = DISK) -> None:
    """Replace `target` by the finished file `stage` of the same folder: fsync, rename, fsync of the folder."""
    disk.fsync(stage)
    _rename(stage, target, disk)


def publish_folder(stage: Path, target: Path, disk: FileSystem = DISK) -> None:
    """Rename the finished folder `stage` to `target` in the same parent folder; files and names become durable."""
    for name in disk.list(stage):
        disk.fsync(stage / name)
    disk.fsync_dir(stage)
    _rename(stage, target, disk)


def _rename(stage: Path, target: Path, disk: FileSystem) -> None:
    disk.replace(stage, target)
    disk.fsync_dir(target.parent)


def write_atomically(path: Path, content: bytes, mode: int = 0o666, disk: FileSystem = DISK) -> None:
    """Write `content` to `path`: dot-file, fsync, rename, fsync of the folder. The umask applies to `mode`."""
    make_folder(path.parent, disk)
    stage = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    disk.unlink(stage)  # left by a killed process that had the same process id
    try:
        disk.create(stage, content, mode)
        publish_file(stage, path, disk)
    except BaseException:
        disk.unlink(stage)
        raise


def write_json(path: Path, value: Any, mode: int = 0o666, disk: FileSystem = DISK) -> None:
    """Write `value` as indented JSON; raises ValueError for NaN and infinity."""
    write_atomically(
        path, (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode(), mode, disk
    )


def append_line(path: Path, line: str, disk: FileSystem = DISK) -> None:
    """Append one line; it is durable on return.

    A torn last line of a crashed append, which was never acknowledged, is cut first.
    """
    make_folder(path.parent, disk)
    content = read_if_there(path, disk)
    if content is None:
        disk.create(path)
    content = content or b""
    whole = sum(len(each) + 1 for each in whole_lines(content))
    if whole < len(content):
        disk.append(path, b"", at=whole)
    if content:
        # First make the present content durable: otherwise a crash could mix blocks of an old tail with the new line.
        disk.fsync(path)
    try:
        disk.append(path, line.encode() + b"\n", at=whole)
        disk.fsync(path)
    except OSError:
        # the caller gets an error, so the line must not stay; if it cannot be cut now, a reader may still see it
        with suppress(OSError):
            disk.append(path, b"", at=whole)
        raise
    disk.fsync_dir(path.parent)  # always: the process that made the file may have been killed before this line


def whole_lines(content: bytes) -> list[bytes]:
    """Return the completely written lines; the text after the last line break is empty or a torn append.

    A last line with a zero byte is torn too: one of its blocks never reached the disk. Our lines are JSON, which holds
    no zero byte.
    """
    lines = content.split(b"\n")[:-1]
    return lines[:-1] if lines and b"\0" in lines[-1] else lines


def read_if_there(path: Path, disk: FileSystem = DISK) -> bytes | None:
    """Return the content of a file, or None when it does not exist."""
    try:
        return disk.read(path)
    except FileNotFoundError:
        return None
