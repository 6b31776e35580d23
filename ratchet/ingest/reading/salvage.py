"""The slow path: copies of files that DuckDB cannot read as a whole, without the lines that cannot be read.

Each line left out is reported as a JSONL row {line, reason, row}. Add here a fault that makes a whole file unreadable
although most of its rows are intact; rules about rows belong to `ratchet/data/row_rules.py`.
"""

import csv
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ratchet.ingest.reading.json_source import SEPARATOR
from ratchet.ingest.reading.table_source import LINE
from ratchet.storage.row_files.csv_header import CsvHeader
from ratchet.storage.row_files.csv_records import BAD_TEXT, read_records
from ratchet.storage.row_files.formats import CSV, MAX_LINE_BYTES, PARQUET

_BLOCK = 1 << 22


@dataclass(frozen=True)
class FileFingerprint:
    """SHA-256, length and line ends of a file."""

    sha256: str
    bytes: int
    crlf: bool
    """True where all lines end in CR LF."""
    odd: bool
    """True where line ends are mixed, or the JSONL separator occurs: only the slow path reads the file safely."""
    lines: int = 0
    """Number of lines, the last one with or without an end."""


def fingerprint(path: Path) -> FileFingerprint:
    """Read `path` once, in blocks."""
    digest, size, last = hashlib.sha256(), 0, b""
    feeds = returns = pairs = separators = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            size += len(block)
            feeds += block.count(b"\n")
            if b"\r" in block:
                returns += block.count(b"\r")
                pairs += block.count(b"\r\n")
            pairs += last == b"\r" and block[:1] == b"\n"
            separators += SEPARATOR.encode() in block
            last = block[-1:]
    crlf = returns > 0 and returns == pairs == feeds
    odd = bool(separators) or (returns > 0 and not crlf)
    return FileFingerprint(digest.hexdigest(), size, crlf, odd, feeds + (last not in {b"", b"\n"}))


def holds_content(path: Path, form: str) -> bool:
    """Return True where a plain file holds more than blank lines or, of a CSV, more than its first line.

    A Parquet file says itself how many rows it has: none is none.
    """
    if form == PARQUET:
        return False
    with path.open("rb") as lines:
        if form == CSV:
            lines.readline(_BLOCK)
        while block := lines.read(_BLOCK):
            if block.strip():
                return True
    return False


def copy_readable_lines(path: Path, copy: Path, bad: Path) -> None:
    """Copy the readable lines of a JSONL file, with a blank line for each that was left out."""
    with path.open("rb") as lines, copy.open("wb") as out, bad.open("w", encoding="utf-8") as report:
        for number, line in enumerate(_bounded_lines(lines), start=1):
            content = line.rstrip(b"\r\n")
            reason = _fault(content)
            out.write((b"" if reason else content) + b"\n")
            if reason:
                report.write(_report(number, reason, content))


def copy_readable_records(path: Path, header: CsvHeader, copy: Path, bad: Path) -> None:
    """Copy the readable records of a CSV file, each with the line on which it begins in a first column."""
    with copy.open("w", encoding="utf-8", newline="") as out, bad.open("w", encoding="utf-8") as report:
        # a field that holds only CR must be quoted too: DuckDB ends a record at it
        writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerow((LINE, *header.names))
        for record in read_records(path, header):
            if record.reason:
                report.write(json.dumps({"line": record.line, "reason": record.reason, "row": record.text}) + "\n")
            else:
                writer.writerow((record.line, *record.values))


def _bounded_lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield every line; of one that is too long only the beginning, so that a line of a gigabyte is not held."""
    while line := file.readline(MAX_LINE_BYTES + 2):
        end = line
        while not end.endswith(b"\n") and (end := file.readline(_BLOCK)):
            pass
        yield line


def copy_readable_parquet(path: Path, copy: Path, bad: Path) -> None:
    """Copy a Parquet file, with null for text that is not UTF-8; its rows are reported."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    source = pq.ParquetFile(path)
    start = 1
    with pq.ParquetWriter(copy, source.schema_arrow) as writer, bad.open("w", encoding="utf-8") as report:
        for batch in source.iter_batches():
            faults: dict[int, bytes] = {}
            columns: list[Any] = []
            for column in batch.columns:
                fixed, undecodable = _fix_column(column, pa)
                columns.append(fixed)
                faults |= undecodable
            report.writelines(_report(start + row, BAD_TEXT, faults[row]) for row in sorted(faults))
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=batch.schema))
            start += batch.num_rows


def _fix_column(column: Any, pa: Any) -> tuple[Any, dict[int, bytes]]:
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return column, {}
    values = column.cast(pa.large_binary())
    try:
        return values.cast(column.type), {}
    except pa.ArrowInvalid:
        faults = dict(_undecodable(values.to_pylist()))
        kept = [None if row in faults else value for row, value in enumerate(values.to_pylist())]
        return pa.array(kept, pa.large_binary()).cast(column.type), faults


def _undecodable(values: list[bytes | None]) -> Iterator[tuple[int, bytes]]:
    for row, value in enumerate(values):
        try:
            (value or b"").decode()
        except UnicodeDecodeError:
            yield row, value or b""


def _fault(content: bytes) -> str | None:
    if len(content) >= MAX_LINE_BYTES:
        return f"the line is longer than {MAX_LINE_BYTES} bytes"
    if b"\r" in content or SEPARATOR.encode() in content:
        return "the line holds raw control characters"
    try:
        content.decode()
    except UnicodeDecodeError:
        return BAD_TEXT
    return None


def _report(number: int, reason: str, content: bytes) -> str:
    row = content[:MAX_LINE_BYTES].decode("utf-8", "backslashreplace")
    return json.dumps({"line": number, "reason": reason, "row": row}) + "\n"
