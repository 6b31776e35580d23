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

_BLOCK = 5_000
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


class Conversion:
    """Segments being written in `folder` for the rows of one original, called `file`: one for each kind that it gives.

    Rows are written in blocks, so that memory does not grow with the original.
    """

    def __init__(self, folder: Path, file: str) -> None:
        self._folder, self._file = folder, file
        self._blocks: dict[str, list[ConvertedRow]] = {}
        self._writers: dict[str, Any] = {}

    def add(self, kind: str, row: ConvertedRow) -> None:
        """Add a row of `kind`."""
        block = self._blocks.setdefault(kind, [])
        block.append(row)
        if len(block) == _BLOCK:
            self._flush(kind)

    def finish(self) -> dict[str, Path]:
        """Return the finished segments by kind."""
        for kind in self._blocks:
            self._flush(kind)
        paths = {}
        for kind, writer in self._writers.items():
            writer.close()
            draft = self._draft(kind)
            paths[kind] = draft.rename(self._folder / segment_name(0, fingerprint(draft).sha256))
        return paths

    def _flush(self, kind: str) -> None:
        import pyarrow.parquet as pq

        rows, self._blocks[kind] = self._blocks[kind], []
        if not rows:
            return
        table = _table(kind, rows, self._file)
        if kind not in self._writers:
            self._writers[kind] = pq.ParquetWriter(self._draft(kind), table.schema, compression="zstd")
        self._writers[kind].write_table(table)

    def _draft(self, kind: str) -> Path:
        return self._folder / f"{kind}.parquet"


def _table(kind: str, rows: Sequence[ConvertedRow], file: str) -> Any:
    import pyarrow as pa

    columns = {name: [_text(row.values.get(name)) for row in rows] for name in kind_of(kind).names}
    columns["extra"] = [_json(row.extra) if row.extra else None for row in rows]
    columns["file"] = [file for _ in rows]
    columns["broken"] = [row.reason or None for row in rows]
    columns["raw"] = [_json(row.original)[:MOST_RAW_CHARS] for row in rows]
    table = {name: pa.array(values, pa.string()) for name, values in columns.items()}
    table["line"] = pa.array([row.line for row in rows], pa.int64())
    return pa.table(table)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
