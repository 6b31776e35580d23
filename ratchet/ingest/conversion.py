"""Conversion of a file of another shape into a segment of our columns, each row with its line and as it stood.

The landing folder takes the segment like any delivery, so that rows of every shape are judged, counted and reported by
the same rules. Add here what a converted row must say of its origin; shapes are in `ratchet/data/`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ratchet.data.records import kind_of
from ratchet.ingest.reading.salvage import fingerprint
from ratchet.ingest.segment_names import segment_name

MOST_RAW_CHARS = 20_000
"""Characters that are kept of a row as it stood, for the report on rejected rows."""


@dataclass(frozen=True)
class ConvertedRow:
    """One row of our columns, or the reason why the original gives none."""

    line: int
    original: Mapping[str, Any]
    values: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Further values of the original, which are kept beside ours."""


def write_conversion(folder: Path, kind: str, rows: Sequence[ConvertedRow], file: str) -> Path:
    """Write rows of `kind` as a segment in `folder`; `file` is the name of the original. Returns its path."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = kind_of(kind).names
    columns: dict[str, list[str | None]] = {name: [_text(row.values.get(name)) for row in rows] for name in names}
    columns["extra"] = [_json(row.extra) if row.extra else None for row in rows]
    columns["file"] = [file for _ in rows]
    columns["broken"] = [row.reason or None for row in rows]
    columns["raw"] = [_json(row.original)[:MOST_RAW_CHARS] for row in rows]
    table = {name: pa.array(values, pa.string()) for name, values in columns.items()}
    table["line"] = pa.array([row.line for row in rows], pa.int64())
    draft = folder / f"{kind}.parquet"
    pq.write_table(pa.table(table), draft, compression="zstd")
    return draft.rename(folder / segment_name(0, fingerprint(draft).sha256))


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
