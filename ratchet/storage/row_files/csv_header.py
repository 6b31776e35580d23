"""Header of a CSV file: names of its columns, delimiter, and the line of Excel before it that names the delimiter.

Add here another sign of a file's dialect. Its records are read by DuckDB, or by `csv_records.py`.
"""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from ratchet.storage.row_files.formats import MAX_COLUMNS, UnreadableError

_EXCEL = re.compile(r"\"?sep=(.)\"?\s*", re.IGNORECASE)
DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class CsvHeader:
    """The columns of a CSV file in order, its delimiter, and the number of lines before the first record."""

    names: tuple[str, ...]
    delimiter: str
    lines: int
    skipped: int
    """Lines before the header: 1 for Excel's `sep=;`."""


def read_header(path: Path) -> CsvHeader:
    """Read the header of a file in UTF-8; raises `UnreadableError` for what is not one."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        first, skipped, named = file.readline(1 << 20), 0, None
        if found := _EXCEL.fullmatch(first):
            first, skipped, named = file.readline(1 << 20), 1, found[1]
        delimiter = named or max(DELIMITERS, key=first.count)
        file.seek(0)
        for _ in range(skipped):
            file.readline(1 << 20)
        try:
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            header = next(reader, [])
        except csv.Error as error:
            raise UnreadableError(f"the header cannot be read: {error}") from None
    if len(header) > MAX_COLUMNS:
        raise UnreadableError(f"it has {len(header):,} columns, more than {MAX_COLUMNS:,}: leave out those not needed")
    names = [name.strip() or f"column{i}" for i, name in enumerate(header, start=1)]
    if any("\n" in name or "\r" in name for name in names):
        raise UnreadableError("the header runs over several lines: a quote in it is not closed")
    lower = [name.lower() for name in names]
    doubles = sorted({name for name in names if lower.count(name.lower()) > 1})
    if doubles:
        raise UnreadableError(f"the header names column {doubles[0]!r} twice")
    return CsvHeader(tuple(names), delimiter, skipped + 1, skipped)
