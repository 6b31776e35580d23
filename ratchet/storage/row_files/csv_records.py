"""The careful reader of CSV: each record with the line of the file on which it begins, and each line that is in none.

It reads what DuckDB cannot read or cannot number: records over several lines, ragged ones, quotes that are not closed,
bytes that are not UTF-8. Add here another fault of a record; files that have none are read by DuckDB alone.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ratchet.storage.row_files.copy_text import END, is_copy_text, split_fields
from ratchet.storage.row_files.csv_header import CsvHeader
from ratchet.storage.row_files.formats import MAX_LINE_BYTES

BAD_TEXT = "invalid UTF-8"
RAGGED = "the record does not fit the header"
UNCLOSED = "a quote is not closed; it was opened in line"
_MOST_SHOWN = 1 << 16
_BLOCK = 1 << 20


@dataclass(frozen=True)
class CsvRecord:
    """One record, or one line that belongs to none."""

    line: int
    """Line of the file on which it begins; the first is 1."""
    values: tuple[str, ...] = ()
    reason: str = ""
    text: str = ""
    """The line as it stands in the file, where there is a reason."""


@dataclass
class _Lines:
    """The lines of a file, with those of the record that is being read."""

    source: Iterator[str]
    number: int = 0
    held: list[str] = field(default_factory=list)

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = next(self.source)
        self.number += 1
        self.held.append(line)
        return line


def read_records(path: Path, header: CsvHeader) -> Iterator[CsvRecord]:
    """Yield every record after the header, in order. Blank lines are passed over.

    A quote that is not closed swallows the lines up to the next one: each of them is yielded, with its reason. Where
    quotes in a text are written as Spark writes them, with a backslash, fewer records are broken when they are read so.
    A file in the text format of Postgres's COPY has no quotes, and its escapes are undone.
    """
    if is_copy_text(path, header):
        yield from _read_copy_text(path, header)
    elif _holds_escapes(path):
        faults = [sum(bool(each.reason) for each in _read(path, header, escape)) for escape in (None, "\\")]
        yield from _read(path, header, "\\" if faults[1] < faults[0] else None)
    else:
        yield from _read(path, header, None)


def _holds_escapes(path: Path) -> bool:
    with path.open("rb") as file:
        last = b""
        while block := file.read(_BLOCK):
            if b'\\"' in last + block:
                return True
            last = block[-1:]
    return False


def _read(path: Path, header: CsvHeader, escape: str | None) -> Iterator[CsvRecord]:
    csv.field_size_limit(MAX_LINE_BYTES)
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        lines = _Lines(_bounded(file))
        for _ in range(header.lines):
            next(lines, "")
        reader = csv.reader(lines, delimiter=header.delimiter, strict=True, escapechar=escape)
        while True:
            lines.held.clear()
            first = lines.number + 1
            try:
                values = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield from _swallowed(first, lines.held, str(error))
                continue
            if values:
                yield _judge(first, values, lines.held, len(header.names))


def _read_copy_text(path: Path, header: CsvHeader) -> Iterator[CsvRecord]:
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="\n") as file:
        for number, line in enumerate(_bounded(file), start=1):
            content = line.rstrip("\r\n")
            if content == END:
                return
            if number > header.lines and content:
                yield _judge(number, split_fields(content), [line], len(header.names))


def _bounded(file: Iterator[str]) -> Iterator[str]:
    """Yield every line; of one that is too long only the beginning."""
    read = file.readline  # type: ignore[attr-defined]
    while line := read(MAX_LINE_BYTES):
        end = line
        while not end.endswith(("\n", "\r")) and (end := read(MAX_LINE_BYTES)):
            pass
        yield line


def _judge(first: int, values: list[str], held: list[str], columns: int) -> CsvRecord:
    if len(values) != columns:
        what = "too many columns" if len(values) > columns else "missing columns"
        return CsvRecord(first, (), f"{RAGGED}: {what}", _show(held))
    if any(not line.isascii() and _is_damaged(line) for line in held):
        return CsvRecord(first, (), BAD_TEXT, _show(held))
    return CsvRecord(first, tuple(values))


def _swallowed(first: int, held: list[str], error: str) -> Iterator[CsvRecord]:
    if len(held) < 2:  # a quote in the middle of its own line
        reason = BAD_TEXT if any(map(_is_damaged, held)) else f"{RAGGED}: {error.lower()}"
        yield CsvRecord(first, (), reason, _show(held))
        return
    for number, line in enumerate(held, start=first):
        if line.strip():
            yield CsvRecord(number, (), f"{UNCLOSED} {first}", _show([line]))


def _is_damaged(line: str) -> bool:
    return any("\udc80" <= letter <= "\udcff" for letter in line)


def _show(held: list[str]) -> str:
    text = "".join(held)[:_MOST_SHOWN].rstrip("\r\n")
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
