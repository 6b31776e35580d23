"""Sealing: what a journal's file holds, and how its rows become one Parquet segment of a landing folder.

Add here what a segment looks like; how rows get onto the disk is `journal.py`.
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
    """What a journal holds: `name`, and for each column its SQL type (VARCHAR, TIMESTAMPTZ, DOUBLE, BIGINT or
    BOOLEAN)."""

    name: str
    columns: Mapping[str, str]


def as_line(row: Row) -> bytes:
    """A row as a journal holds it: checksum, space, JSON without line breaks, line break. Raises ValueError for NaN."""
    content = canonical_json(row).encode()
    return b"%08x %s\n" % (zlib.crc32(content), content)


def left_behind(folder: Path, disk: FileSystem = DISK) -> list[Path]:
    """The journals of a folder, oldest first."""
    return [
        folder / name for name in disk.list(folder) if name.endswith(SUFFIX) and name.removesuffix(SUFFIX).isdigit()
    ]


def sweep_unsealed(landing: Path, disk: FileSystem = DISK) -> None:
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


def publish_segment(landing: Path, rows: RowSchema, content: Sequence[Row], disk: FileSystem = DISK) -> Path:
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
    columns = {
        column: pa.array([_stored(row.get(column), sql) for row in ordered], types[sql])
        for column, sql in rows.columns.items()
    }
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink, compression="zstd")
    result = sink.getvalue().to_pybytes()
    target = landing / f"{_PREFIX}{digest_bytes(result)[:_SHOWN]}.parquet"
    write_atomically(target, result, disk=disk)
    return target


def is_sealed(name: str) -> bool:
    """Whether a file's name is one that `publish_segment` gives, and so says what the file must hold."""
    return _NAMED.fullmatch(name) is not None


def is_intact(segment: Path, sha256: str | None = None) -> bool:
    """Whether a file holds the bytes that `publish_segment` named it by; `sha256` is that of the file, where it is
    known already.

    False for a file of any other name, and for one that cannot be read.
    """
    said = _NAMED.fullmatch(segment.name)
    try:
        return said is not None and (sha256 or digest_file(segment)).startswith(said[1])
    except OSError:
        return False


def _stored(value: Any, sql: str) -> Any:
    return datetime.fromisoformat(value) if sql == "TIMESTAMPTZ" and value is not None else value


def number_of(path: Path) -> int:
    """The place of a journal among those of its folder."""
    return int(path.stem)
