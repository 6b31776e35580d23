"""Logs of the review queue: `review/<writer>-<Monday>.jsonl`, append-only, one checksummed line for each event.

Each writer (`gateway`, `cycle`, `commands`) has its own files, and a lock for each append, since several processes may
be of one kind. A line that a crash has torn has no valid checksum: it is skipped, and never joined with the next one.
Add here how events survive on disk; what they say is `ratchet/review/item.py`, the index is `queue_index.py`.
"""

import fcntl
import json
import os
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from ratchet.core.cycle import monday_of
from ratchet.core.failpoints import failpoint
from ratchet.core.files import make_folder
from ratchet.core.filesystem import DISK
from ratchet.storage.home import Home
from ratchet.storage.journal.segments import as_line

WRITERS = ("gateway", "cycle", "commands")
_FILE = re.compile(rf"({'|'.join(WRITERS)})-(\d{{4}}-\d\d-\d\d)\.jsonl")
_CRC_CHARS = 8


def append_events(
    home: Home, name: str, writer: str, events: Sequence[Mapping[str, Any]], now: datetime | None = None
) -> None:
    """Append events; they are durable on return. Raises OSError where they cannot be written, and then none counts."""
    if not events:
        return
    if writer not in WRITERS:
        raise ValueError(f"unknown writer {writer!r}")
    append_checked(
        home.review(name), f"{writer}-{monday_of((now or datetime.now(UTC)).astimezone(UTC).date())}", events
    )


def append_checked(folder: Path, stem: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append rows to `<stem>.jsonl`, each with its checksum; they are durable on return, or none counts (OSError)."""
    make_folder(folder)
    path = folder / f"{stem}.jsonl"
    # a link in place of the log would make us write to whatever it points at
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o660)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        end = os.fstat(file).st_size
        torn = end > 0 and os.pread(file, 1, end - 1) != b"\n"
        content = memoryview(b"\n" * torn + b"".join(as_line(row) for row in rows))
        try:
            failpoint("review.before_write")
            place = end
            while content:
                written = os.pwrite(file, content, place)
                place, content = place + written, content[written:]
            failpoint("review.before_sync")
            os.fsync(file)
        except OSError:
            os.ftruncate(file, end)  # the caller gets an error, so none of the lines may stay
            raise
    finally:
        os.close(file)
    DISK.fsync_dir(folder)  # always: the process that made the file may have been killed before this line


def list_logs(home: Home, name: str) -> list[Path]:
    """List the logs of a queue, by name."""
    folder = home.review(name)
    return sorted(path for path in folder.glob("*.jsonl") if _FILE.fullmatch(path.name)) if folder.is_dir() else []


def read_lines(path: Path, offset: int) -> Iterator[tuple[dict[str, Any], int, int]]:
    """Yield each intact line from byte `offset` on: its content, its place, and the place after it.

    A last line without its end is not read: it may still be written.
    """
    with path.open("rb") as file:
        file.seek(offset)
        for line in file:
            if not line.endswith(b"\n"):
                return
            place, offset = offset, offset + len(line)
            if (content := _intact(line)) is not None:
                yield content, place, offset


def read_line(path: Path, place: int) -> dict[str, Any] | None:
    """Return the line that begins at byte `place`; None where it is gone or damaged."""
    try:
        with path.open("rb") as file:
            file.seek(place)
            return _intact(file.readline())
    except FileNotFoundError:
        return None


def list_queued(home: Home, name: str, reason: str) -> set[str]:
    """Return the requests that any writer queued for `reason`, as far as their logs are kept."""
    word, found = json.dumps(reason).encode(), set[str]()
    for path in list_logs(home, name):
        with path.open("rb") as file:
            # bytes first: few of a million lines are about one reason
            events = (_intact(line) for line in file if word in line)
            found |= {str(event["request_id"]) for event in events if event and event.get("reason") == reason}
    return found


def drop_old_logs(home: Home, name: str, days: int, today: date) -> list[Path]:
    """Remove the logs whose whole week is older than `days`, texts included; return them. Labels are kept elsewhere."""
    gone = []
    for path in list_logs(home, name):
        found = _FILE.fullmatch(path.name)
        if found and date.fromisoformat(found[2]) + timedelta(days=7 + days) <= today:
            path.unlink(missing_ok=True)
            gone.append(path)
    return gone


def _intact(line: bytes) -> dict[str, Any] | None:
    checksum, _, content = line.rstrip(b"\n").partition(b" ")
    if len(checksum) != _CRC_CHARS or checksum != b"%08x" % zlib.crc32(content):
        return None
    value = json.loads(content)
    return value if isinstance(value, dict) else None
