"""Files of training data as other tools read them: JSON lines of several shapes, CSV and Parquet.

Add here another file format; the shape of a row is `ratchet/data/training_formats.py`. Such a file appears whole or not
at all.
"""

import csv
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ratchet.core.errors import RatchetError, UsageError
from ratchet.core.files import publish_file
from ratchet.core.formulas import guard_formula
from ratchet.core.names import nearest
from ratchet.data.training_formats import ROWS

FORMATS = (*ROWS, "csv", "parquet")
_BY_SUFFIX = {".csv": "csv", ".parquet": "parquet"}
_OF_JSON = (".jsonl", ".ndjson", ".json")


@dataclass(frozen=True)
class DatasetRow:
    """One example to write; `split` is written where it is not empty."""

    text: str
    label: str
    split: str = ""


def choose_format(path: Path, name: str = "") -> str:
    """Return the format that is named, else that of the file's ending; raises `UsageError` where neither says it."""
    suffix = path.suffix.lower()
    if name and name not in FORMATS:
        raise UsageError(
            f"unknown format {name[:40]!r}.", f"{nearest(name, FORMATS)} Formats: {', '.join(FORMATS)}.".strip(),
            code="bad_format",
        )  # fmt: skip
    clear = _BY_SUFFIX.get(suffix, "")
    if (clear and name and name != clear) or (suffix in _OF_JSON and name in _BY_SUFFIX.values()):
        raise UsageError(
            f"{path.name} ends in {suffix}, but the format is {name}.", "Give one or the other.", code="bad_format"
        )
    if not name and not clear:
        raise UsageError(
            f"{path.name} does not say which format it shall have.",
            f"Give one with --format: {', '.join(FORMATS)}.",
            code="bad_format",
        )
    return name or clear


def write_dataset(path: Path, rows: Sequence[DatasetRow], format_name: str, task: str) -> None:
    """Write all rows; the file is complete and durable when this returns, and as it was before in any other case.

    Raises `RatchetError` for no rows: nothing never takes the place of something.
    """
    if not rows:
        raise RatchetError(f"no row to write; {path} stays as it was.", "Choose another split or week.")
    with _staged(path) as stage:
        if format_name == "parquet":
            _write_parquet(stage, rows)
        elif format_name == "csv":
            _write_csv(stage, rows)
        else:
            write_lines(stage, [_as_json(row, format_name, task) for row in rows])


def write_log(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write the log of rejected rows, one JSON object a line; without any, one of before is removed."""
    if not rows:
        path.unlink(missing_ok=True)
        return
    with _staged(path) as stage:
        write_lines(stage, rows)


def write_lines(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write JSON lines."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows)


def _as_json(row: DatasetRow, format_name: str, task: str) -> dict[str, Any]:
    return ROWS[format_name](row.text, row.label, task) | ({"split": row.split} if row.split else {})


def _columns(rows: Sequence[DatasetRow]) -> tuple[str, ...]:
    return ("text", "label", "split") if any(row.split for row in rows) else ("text", "label")


def _write_csv(path: Path, rows: Sequence[DatasetRow]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_columns(rows))
        for row in rows:
            writer.writerow([guard_formula(getattr(row, name)) for name in _columns(rows)])


def _write_parquet(path: Path, rows: Sequence[DatasetRow]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {name: pa.array([getattr(row, name) for row in rows], pa.string()) for name in _columns(rows)}
    pq.write_table(pa.table(columns), path, compression="zstd")


@contextmanager
def _staged(path: Path) -> Iterator[Path]:
    stage = path.with_name(f".{path.name}.{os.getpid()}.stage")
    try:
        yield stage
        publish_file(stage, path)
    finally:
        stage.unlink(missing_ok=True)
