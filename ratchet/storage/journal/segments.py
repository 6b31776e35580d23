"""Format of journals and segments: lines of a journal's file, and the Parquet segment that is made of them.

Add here a change of either format; rows are appended by `journal.py`.
"""

import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ratchet.core.digests import canonical_json, digest_bytes, digest_file
from ratchet.core.files import write_atomically
from ratchet.core.filesystem import DISK, FileSystem

Row = Mapping[str, Any]

SUFFIX = ".wal"
_PREFIX = "gateway-"
_CRC_CHARS = 8
_SHOWN = 16
_KEPT = re.compile(r"\d+-[0-9a-f]+-(\d+)-(\d+)\.damaged")
_NAMED = re.compile(rf"{_PREFIX}([0-9a-f]{{{_SHOWN}}})\.parquet")


@dataclass(frozen=True)
class RowSchema:
    """Columns of a kind of row, each with its SQL type (VARCHAR, TIMESTAMPTZ, DOUBLE, BIGINT or BOOLEAN)."""

    name: str
    columns: Mapping[str, str]


def as_line(row: Row) -> bytes:
    """Write a row as a journal's line: checksum, space, JSON without line breaks, line break. Raises ValueError for
    NaN."""
    content = canonical_json(row).encode()
    return b"%08x %s\n" % (zlib.crc32(content), content)


def left_behind(folder: Path, disk: FileSystem = DISK) -> list[Path]:
    """List the journals of a folder, oldest first."""
    return [
        folder / name for name in disk.list(folder) if name.endswith(SUFFIX) and name.removesuffix(SUFFIX).isdigit()
    ]


def sweep_unsealed(landing: Path, disk: FileSystem = DISK) -> None:
    """Remove half-written segments of a killed process. Call it only while holding the journal."""
    for name in disk.list(landing):
        if name.startswith(f".{_PREFIX}"):
            disk.unlink(landing / name)


@dataclass(frozen=True)
class JournalContent:
    """Content of a journal: its intact rows, and the lines that are not."""

    rows: list[dict[str, Any]]
    damaged: int
    """Lines that were acknowledged and that the disk changed since."""
    torn: int
    """Lines at the very end: a write that a crash interrupted, or rows that the disk changed. Nobody can tell."""


def read_journal(path: Path, disk: FileSystem = DISK) -> tuple[list[dict[str, Any]], int]:
    """Return the intact rows of a journal, and the number of its damaged lines."""
    found = examine_journal(path, disk)
    return found.rows, found.damaged


def examine_journal(path: Path, disk: FileSystem = DISK, *, acknowledged: int = 0) -> JournalContent:
    """Return the content of a journal of which the first `acknowledged` bytes were acknowledged for certain.

    What an intact line follows was acknowledged, too: a batch is written once the one before is durable.
    """
    whole = disk.read(path)
    rows: list[dict[str, Any]] = []
    damaged = torn = place = 0
    for line in whole.split(b"\n"):
        checksum, _, content = line.partition(b" ")
        ended = place + len(line) < len(whole)
        if ended and len(checksum) == _CRC_CHARS and checksum == b"%08x" % zlib.crc32(content):
            rows.append(json.loads(content))
            damaged, torn = damaged + torn, 0
        elif place < acknowledged:
            damaged, torn = damaged + torn + 1, 0
        elif line.strip(b"\0"):  # blocks that were never written are zero
            torn += 1
        place += len(line) + 1
    return JournalContent(rows, damaged, torn)


_PLACE = b"ratchet.journal"


def publish_segment(
    landing: Path, rows: RowSchema, content: Sequence[Row], disk: FileSystem = DISK, *, journal: int | None = None
) -> Path:
    """Write rows, in their order, as one Parquet file named by its content; idempotent.

    `journal` is the number of the journal that they come from: later rows have a higher one, see `place_of`.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {
        "VARCHAR": pa.string(),
        "TIMESTAMPTZ": pa.timestamp("us", tz="UTC"),
        "DOUBLE": pa.float64(),
        "BOOLEAN": pa.bool_(),
        "BIGINT": pa.int64(),
    }
    columns = {
        column: pa.array([_stored(row.get(column), sql) for row in content], types[sql])
        for column, sql in rows.columns.items()
    }
    sink = pa.BufferOutputStream()
    place = {_PLACE: str(journal).encode()} if journal is not None else None
    pq.write_table(pa.table(columns).replace_schema_metadata(place), sink, compression="zstd")
    segment = sink.getvalue().to_pybytes()
    target = landing / f"{_PREFIX}{digest_bytes(segment)[:_SHOWN]}.parquet"
    write_atomically(target, segment, disk=disk)
    return target


def place_of(segment: Path) -> int:
    """Return the number of the journal that a segment was made of; 0 for a segment of before or a damaged one."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return int((pq.read_schema(segment).metadata or {}).get(_PLACE, b"0"))
    except (pa.ArrowException, OSError, ValueError):  # ingest reports its fault
        return 0


def is_sealed(name: str) -> bool:
    """Return True for a name that `publish_segment` gives, and that therefore holds the digest of the content."""
    return _NAMED.fullmatch(name) is not None


def is_intact(segment: Path, sha256: str | None = None) -> bool:
    """Return True where a file holds the bytes that its name, given by `publish_segment`, stands for.

    `sha256` is that of the file, where it is known already. False for a file of any other name, and for one that cannot
    be read.
    """
    named = _NAMED.fullmatch(segment.name)
    try:
        return named is not None and (sha256 or digest_file(segment)).startswith(named[1])
    except OSError:
        return False


def _stored(value: Any, sql: str) -> Any:
    return datetime.fromisoformat(value) if sql == "TIMESTAMPTZ" and value is not None else value


def damaged_name(number: int, mark: str, found: JournalContent) -> str:
    """Return the name under which a journal with damaged or torn lines is kept, with their numbers."""
    return f"{number:012d}-{mark}-{found.damaged}-{found.torn}.damaged"


def count_damaged(folder: Path) -> tuple[int, int]:
    """Count the damaged and the torn lines of the journals that a folder keeps aside; those of before have no figure.

    Of a journal of before at least one line was damaged.
    """
    damaged = torn = 0
    for path in folder.glob("*.damaged"):
        figures = _KEPT.fullmatch(path.name)
        damaged += int(figures[1]) if figures else 1
        torn += int(figures[2]) if figures else 0
    return damaged, torn


def number_of(path: Path) -> int:
    """Return the number of a journal in its folder."""
    return int(path.stem)
