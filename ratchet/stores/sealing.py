"""Sealing: what a journal's file holds, and how its rows become one Parquet segment of a landing folder.

Add here what a segment looks like; how rows get onto the disk is `journal.py`.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ratchet.files import write_atomically
from ratchet.filesystem import DISK, FileSystem
from ratchet.identity import canonical_json, digest_bytes

Row = Mapping[str, Any]

SUFFIX = ".wal"
_PREFIX = "gateway-"
_CRC_CHARS = 8
_SHOWN = 12


@dataclass(frozen=True)
class Rows:
    """What a journal holds: `name`, and for each column its SQL type (VARCHAR, TIMESTAMPTZ, DOUBLE, BIGINT or BOOLEAN)."""

    name: str
    columns: Mapping[str, str]


def as_line(row: Row) -> bytes:
    """A row as a journal holds it: checksum, space, JSON without line breaks, line break. Raises ValueError for NaN."""
    content = canonical_json(row).encode()
    return b"%08x %s\n" % (zlib.crc32(content), content)


def left_behind(folder: Path, disk: FileSystem = DISK) -> list[Path]:
    """The journals of a folder, oldest first."""
    return [folder / name for name in disk.list(folder) if name.endswith(SUFFIX) and name.removesuffix(SUFFIX).isdigit()]


def sweep(landing: Path, disk: FileSystem = DISK) -> None:
    """Remove half-written segments of a killed process. Call it only while holding the journal."""
    for name in disk.list(landing):
        if name.startswith(f".{_PREFIX}"):
            disk.unlink(landing / name)


def read_journal(path: Path, disk: FileSystem = DISK) -> tuple[list[dict[str, Any]], int]:
    """The whole rows of a journal, and how many damaged lines stand before a whole one.

    What is damaged at the very end is a torn write that nobody was told of: it is no row, and no damage.
    """
    rows: list[dict[str, Any]] = []
    damaged = torn = 0
    for line in disk.read(path).split(b"\n")[:-1]:
        said, _, content = line.partition(b" ")
        if len(said) == _CRC_CHARS and said == b"%08x" % zlib.crc32(content):
            rows.append(json.loads(content))
            damaged, torn = damaged + torn, 0
        else:
            torn += 1
    return rows, damaged


def publish_segment(landing: Path, rows: Rows, content: Sequence[Row], disk: FileSystem = DISK) -> Path:
    """Write rows, in the order of their time, as one Parquet file named by what it holds; idempotent."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {
        "VARCHAR": pa.string(),
        "TIMESTAMPTZ": pa.timestamp("us", tz="UTC"),
        "DOUBLE": pa.float64(),
        "BOOLEAN": pa.bool_(),
        "BIGINT": pa.int64(),
    }
    ordered = sorted(content, key=lambda row: str(row.get("ts")))
    name = _name(ordered)
    columns = {column: pa.array([_stored(row[column], sql) for row in ordered], types[sql]) for column, sql in rows.columns.items()}
    target = landing / f"{_PREFIX}{name}.parquet"
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink, compression="zstd")
    write_atomically(target, sink.getvalue().to_pybytes(), disk=disk)
    return target


def is_intact(segment: Path) -> bool:
    """Whether a segment that `publish_segment` wrote still holds the rows that its name was made from."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows = [
            {column: value.isoformat() if isinstance(value, datetime) else value for column, value in row.items()}
            for row in pq.read_table(segment).to_pylist()
        ]
        return segment.name == f"{_PREFIX}{_name(rows)}.parquet"
    except (OSError, ValueError, pa.ArrowException):
        return False


def _name(ordered: Sequence[Row]) -> str:
    return digest_bytes(canonical_json([dict(row) for row in ordered]).encode())[:_SHOWN]


def _stored(value: Any, sql: str) -> Any:
    return datetime.fromisoformat(value) if sql == "TIMESTAMPTZ" and value is not None else value


def number_of(path: Path) -> int:
    """The place of a journal among those of its folder."""
    return int(path.stem)
