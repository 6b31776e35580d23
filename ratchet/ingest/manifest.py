"""The landing manifest, `landing.jsonl`: the files in order of arrival, with the terms that they were judged by.

It is append-only. A line is written and synced before the file's rows are loaded, so that a rebuild replays files in
their original order and by their original terms. Add here what a rebuild must know about a file; files that are done
are in the table `ingested_files`.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from ratchet.core.digests import canonical_json
from ratchet.core.files import append_line, read_if_there, whole_lines
from ratchet.core.filesystem import DISK, FileSystem
from ratchet.data.records import Terms

_TAIL_BYTES = 256
_FOLLOWED: dict[Path, tuple[list["ManifestEntry"], int, bytes]] = {}
"""By path: the entries read so far, the bytes that hold them, and the last of those bytes."""


@dataclass(frozen=True)
class ManifestEntry:
    """One version of one file in a landing folder."""

    seq: int
    kind: str
    file: str
    sha256: str
    bytes: int
    mtime_ns: int
    labels: tuple[str, ...]
    max_text_chars: int
    now: str

    @property
    def terms(self) -> Terms:
        """Terms by which its rows were judged."""
        return Terms(self.labels, self.max_text_chars, datetime.fromisoformat(self.now))


def read_manifest(path: Path, disk: FileSystem = DISK) -> list[ManifestEntry]:
    """Read every whole line, in order; the torn tail of a killed writer is skipped, since its file was not loaded."""
    return _parse(read_if_there(path, disk) or b"")


def read_newest(path: Path, most_bytes: int) -> tuple[list[ManifestEntry], bool]:
    """Read the whole lines in the last `most_bytes` of the manifest; True where these are all that there are."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - most_bytes))
            content = file.read()
    except FileNotFoundError:
        return [], True
    complete = size <= most_bytes
    return _parse(content if complete else content.partition(b"\n")[2]), complete


def _parse(content: bytes) -> list[ManifestEntry]:
    landed = []
    for line in whole_lines(content):
        try:
            row = json.loads(line)
            landed.append(ManifestEntry(**{**row, "labels": tuple(row["labels"])}))
        except (ValueError, TypeError, KeyError):
            continue
    return landed


def follow_manifest(path: Path) -> list[ManifestEntry]:
    """Return what `read_manifest` does; a process that asks again and again parses only the lines that are new."""
    entries, offset, tail = _FOLLOWED.get(path, ([], 0, b""))
    try:
        with path.open("rb") as file:
            file.seek(offset - len(tail))
            content = file.read()
    except FileNotFoundError:
        content = b""
    if not content.startswith(tail):  # it was replaced: by a backup, or by hand
        entries, offset, tail, content = [], 0, b"", read_if_there(path) or b""
    new = content[len(tail) :]
    whole = new[: new.rfind(b"\n") + 1]
    entries = [*entries, *_parse(whole)]
    _FOLLOWED[path] = entries, offset + len(whole), (tail + whole)[-_TAIL_BYTES:]
    return list(entries)


def first_entry(entries: Sequence[ManifestEntry], landed: ManifestEntry) -> ManifestEntry:
    """Return the line with which this version of a file came first: a file may be judged again, by wider terms."""
    same = [each for each in entries if each.sha256 == landed.sha256 and each.file == landed.file]
    return next((each for each in same if each.kind == landed.kind), landed)


def append_entry(path: Path, landed: ManifestEntry, disk: FileSystem = DISK) -> None:
    """Append one line and sync it."""
    append_line(path, canonical_json(asdict(landed)), disk)
