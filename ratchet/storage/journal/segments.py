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


def read_journal(path: Path, disk: FileSystem = DISK) -> tuple[list[dict[str, Any]], int]:
    """Return the intact rows of a journal, and the number of damaged lines that an intact one follows.

    Damaged lines at the very end are a torn write that was never acknowledged: they count neither as rows nor as
    damage.
    """
    rows: list[dict[str, Any]] = []
    damaged = torn = 0
    for line in disk.read(path).split(b"\n")[:-1]:
        checksum, _, content = line.partition(b" ")
        if len(checksum) == _CRC_CHARS and checksum == b"%08x" % zlib.crc32(content):
            rows.append(json.loads(content))
            damaged, torn = damaged + torn, 0
        else:
            torn += 1
    return rows, damaged


def publish_segment(landing: Path, rows: RowSchema, content: Sequence[Row], disk: FileSystem = DISK) -> Path:
    """Write rows, in the order of their time, as one Parquet file named by its content; idempotent."""
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
    columns = {
        column: pa.array([_stored(row.get(column), sql) for row in ordered], types[sql])
        for column, sql in rows.columns.items()
    }
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink, compression="zstd")
    segment = sink.getvalue().to_pybytes()
    target = landing / f"{_PREFIX}{digest_bytes(segment)[:_SHOWN]}.parquet"
    write_atomically(target, segment, disk=disk)
    return target


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


def number_of(path: Path) -> int:
    """Return the number of a journal in its folder."""
    return int(path.stem)
