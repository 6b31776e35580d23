"""The file `review/label_studio.jsonl`: what was sent to Label Studio and taken from it, append-only; and its status.

Each line has a checksum. A damaged one is left out: what it held is read from the server again.
Add here how events survive on disk; what they say is `ratchet/review/label_studio/sync_state.py`.
"""

import fcntl
import json
import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ratchet.core.errors import RatchetError
from ratchet.core.files import append_line, make_folder, read_if_there, whole_lines, write_json
from ratchet.storage.home import Home
from ratchet.storage.journal.segments import as_line

_CRC_CHARS = 8


def append_event(home: Home, name: str, event: Mapping[str, Any]) -> None:
    """Append an event; durable on return. Raises OSError."""
    append_line(_path(home, name), as_line(event).decode().removesuffix("\n"))


def read_events(home: Home, name: str) -> list[dict[str, Any]]:
    """Return every intact event, oldest first."""
    lines = whole_lines(read_if_there(_path(home, name)) or b"")
    return [event for line in lines if (event := _intact(line)) is not None]


def write_status(home: Home, name: str, status: Mapping[str, Any]) -> None:
    """Write the outcome of the newest poll; expendable."""
    write_json(_path(home, name).with_name("label_studio_status.json"), dict(status))


def read_status(home: Home, name: str) -> dict[str, Any]:
    """Return the outcome of the newest poll; empty where there is none, or it cannot be read."""
    try:
        content = json.loads(_path(home, name).with_name("label_studio_status.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


@contextmanager
def hold_project(home: Home, name: str) -> Iterator[None]:
    """Let one process at a time send and take; raises `RatchetError` where another does, which ends within minutes."""
    path = home.review(name) / ".label_studio.lock"
    make_folder(path.parent)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o660)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RatchetError(
                f"another process talks to Label Studio for {name}.", "Try again in a minute.", code="busy"
            ) from None
        yield
    finally:
        os.close(descriptor)


def _path(home: Home, name: str) -> Path:
    return home.review(name) / "label_studio.jsonl"


def _intact(line: bytes) -> dict[str, Any] | None:
    checksum, _, content = line.partition(b" ")
    if len(checksum) != _CRC_CHARS or checksum != b"%08x" % zlib.crc32(content):
        return None
    event = json.loads(content)
    return event if isinstance(event, dict) else None
