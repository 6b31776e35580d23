"""Rows of a file in any of the forms, as values of Python with their lines: for files that are not for the warehouse.

`ratchet predict` and the golden set read here; intake, which must be fast, has its own SQL for the same forms. Add here
what a value of a table becomes in JSON.
"""

import json
import math
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from ratchet.core.strict_json import parse_strictly
from ratchet.storage.row_files.csv_header import read_header
from ratchet.storage.row_files.csv_records import read_records
from ratchet.storage.row_files.documents import MOST_BYTES, copy_as_lines, documents_sql
from ratchet.storage.row_files.encodings import decode_file, find_encoding
from ratchet.storage.row_files.formats import CSV, JSONL, PARQUET, UnreadableError, form_of
from ratchet.storage.row_files.opening import LINEWISE, OpenedFile, open_rows
from ratchet.storage.row_files.parquet_limits import check_schema, check_size
from ratchet.storage.row_files.parts import parts_of

_NOT_UTF8 = object()


@dataclass(frozen=True)
class FileRow:
    """One row of a file: its values by name, or the reason why it has none."""

    line: int
    values: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    part: str = ""
    """Name of its file, where several are parts of one export."""


def read_export(path: Path) -> Iterator[FileRow]:
    """Yield every row of a file or of a folder of parts. Raises `UnreadableError`; `RatchetError` for other folders."""
    parts = parts_of(path)
    for part in parts:
        for row in read_rows(part):
            yield row if parts == [path] else replace(row, part=part.name)


def read_rows(path: Path) -> Iterator[FileRow]:
    """Yield every row of a file with its line (of a list and of Parquet: its number); blank lines are passed over.

    The name shows the form; a name that shows none is of JSON lines. Raises `UnreadableError`.
    """
    with tempfile.TemporaryDirectory(prefix="ratchet-") as scratch:
        opened = open_rows(path, form_of(path.name) or JSONL, Path(scratch))
        if opened.form == PARQUET:
            yield from _parquet_rows(opened.path)
            return
        if encoding := find_encoding(opened.path):
            plain = Path(scratch) / "decoded-whole"
            decode_file(opened.path, plain, encoding)
            opened = OpenedFile(plain, opened.form, opened.layout, copied=True)
        if opened.form == CSV:
            yield from _csv_rows(opened.path)
        elif opened.layout in LINEWISE:
            with opened.path.open("rb") as lines:
                yield from rows_of_lines(lines)
        elif opened.path.stat().st_size > MOST_BYTES:
            yield from rows_of_lines(_documents(opened))
        else:
            copy_as_lines(opened.path, Path(scratch) / "lines")
            with (Path(scratch) / "lines").open("rb") as lines:
                yield from rows_of_lines(lines)


def rows_of_lines(lines: Iterable[bytes]) -> Iterator[FileRow]:
    """Yield the row of every line of JSON that is not blank."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _parse(number, line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line)


def value_named(row: Mapping[str, Any], name: str) -> tuple[str, Any]:
    """Return the key of a row that is `name`, in any case where only one is, with its value, None if there is none."""
    if name in row:
        return name, row[name]
    alike = [key for key in row if key.strip().casefold() == name.casefold()]
    return (alike[0], row[alike[0]]) if len(alike) == 1 else (name, None)


def text_of(value: Any) -> str | None:
    """Return a value as the text that intake takes it for: itself, or an integer's digits; else None."""
    if isinstance(value, bool):
        return None
    return value if isinstance(value, str) else str(value) if isinstance(value, int) else None


def _parse(number: int, line: bytes) -> FileRow:
    try:
        row = parse_strictly(line, nan_is_null=True)
    except json.JSONDecodeError:
        return FileRow(number, reason="is not JSON")
    except RecursionError:
        return FileRow(number, reason="is not JSON: it is nested too deeply")
    except ValueError as error:
        return FileRow(number, reason=f"is not strict JSON: {error}")
    return FileRow(number, row) if isinstance(row, dict) else FileRow(number, reason="is not a JSON object")


def _csv_rows(path: Path) -> Iterator[FileRow]:
    header = read_header(path)
    for record in read_records(path, header):
        values = {name: value or None for name, value in zip(header.names, record.values, strict=False)}
        yield FileRow(record.line, values, record.reason and f"cannot be read: {record.reason}")


def _documents(opened: OpenedFile) -> Iterator[bytes]:
    import duckdb

    with duckdb.connect() as connection:
        try:
            found = connection.execute(f"SELECT raw FROM {documents_sql(opened.path, opened.layout)}")
            while rows := found.fetchmany(1024):
                yield from (raw.encode() for (raw,) in rows)
        except duckdb.Error as error:
            raise UnreadableError(f"the JSON cannot be read: {str(error).splitlines()[0]}") from None


def _parquet_rows(path: Path) -> Iterator[FileRow]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    _check_parquet(path)
    try:
        for batch in pq.ParquetFile(path).iter_batches(1024):
            columns = [_values_of(column) for column in batch.columns]
            for values in zip(*columns, strict=True):
                number += 1
                row = {name: _plain(value) for name, value in zip(batch.schema.names, values, strict=True)}
                broken = [name for name, value in row.items() if value is _NOT_UTF8]
                yield FileRow(
                    number, {} if broken else row, f"holds bytes in {broken[0]} that are not UTF-8" if broken else ""
                )
    except (pa.ArrowException, OSError) as error:
        raise UnreadableError(f"the file is not readable as Parquet: {str(error).splitlines()[0]}") from None


def _values_of(column: Any) -> list[Any]:
    """Return the values of a column; one by one where Python has no word for one: dates beyond its years are null."""
    try:
        return list(column.to_pylist())
    except (OverflowError, ValueError, LookupError):
        return [_value_of(value) for value in column]


def _value_of(value: Any) -> Any:
    try:
        return value.as_py()
    except UnicodeDecodeError:
        return _NOT_UTF8
    except (OverflowError, ValueError, LookupError):
        return None


def _check_parquet(path: Path) -> None:
    import duckdb

    with duckdb.connect() as connection, suppress(duckdb.Error):  # what is damaged, its reader names
        check_schema(connection, path)
        check_size(connection, path)


def _plain(value: Any) -> Any:
    """Return a value of Parquet as JSON knows it."""
    if value is None or value is _NOT_UTF8 or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return int(value) if value.as_tuple().exponent == 0 else float(value)  # whole by its type, as intake reads it
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, Sequence):
        return [_plain(each) for each in value]
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
