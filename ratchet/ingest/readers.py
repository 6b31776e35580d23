"""Readers of landed files (Parquet, JSONL, CSV): each makes one SQL source for the rules of `ratchet/data/records.py`.

Add a file format here. A source never loops over rows in Python; a file that DuckDB cannot read as it is, is first
cleaned by `salvage.py`.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from ratchet.core.errors import RatchetError
from ratchet.core.names import nearest
from ratchet.core.sql import literal, quoted
from ratchet.data.records import Column, RowKind, zoned_time_sql

SUFFIXES = (".parquet", ".jsonl", ".csv")
MAX_LINE_BYTES = 1 << 24
MAX_COLUMNS = 1000
"""Columns of a table: SQL over many more takes minutes, or fails."""
SEPARATOR = "\x01"
"""The field separator under which a JSONL line is one field; never part of valid JSON."""

_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
_ZONED = ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS")
_TYPES = {
    "VARCHAR": ("VARCHAR", "ENUM"),
    "BOOLEAN": ("BOOLEAN",),
    "DOUBLE": (
        "DOUBLE",
        "FLOAT",
        "DECIMAL",
        "HUGEINT",
        *_INTEGERS,
    ),
}


class UnreadableError(Exception):
    """Raised for a file that cannot be read as a whole; the message is the reason."""


@dataclass(frozen=True)
class Source:
    """SQL over one file. `table` is a FROM clause; the rest are expressions over its columns."""

    table: str
    broken: str
    fields: dict[str, tuple[str, str, str]]
    """Our column -> (typed value or NULL, value was given, value as text)."""
    extra: str
    origin: str
    """Expression for the raw row, kept until it has been judged."""
    row: str
    """Expression over `origin`: the row as text, for the report on rejected rows."""
    segment: bool = False
    """True for one of our own segments, which has `file` and `line` of the delivery as columns."""


def read_jsonl(path: Path, kind: RowKind, columns: Mapping[str, str], *, crlf: bool) -> Source:
    """Read every line of a JSONL file, parsed once; blank lines stay as empty rows, so that row n is line n."""
    theirs = [columns.get(name, name) for name in kind.names]
    shape = "{" + ",".join(f'{_json(name)}:"JSON"' for name in theirs) + "}"
    without = "{" + ",".join(f"{_json(name)}:null" for name in theirs) + "}"
    newline = "strict_mode=true" if crlf else r"new_line='\n', strict_mode=false"
    lines = (
        f"read_csv({literal(str(path))}, columns={{'raw': 'VARCHAR'}}, header=false, auto_detect=false,"
        f" delim='{SEPARATOR}', quote='', escape='', max_line_size={MAX_LINE_BYTES}, {newline})"
    )
    items = ", ".join(f"v.{quoted(name)}::VARCHAR AS i{number}" for number, name in enumerate(theirs))
    parsed = (
        f"(SELECT raw, doc, from_json(doc, {literal(shape)}) AS v FROM (SELECT raw, TRY_CAST(raw AS JSON) AS doc FROM"
        f" {lines}))"
    )
    given = " + ".join(f"(i{number} IS NOT NULL)::INT" for number in range(len(theirs)))
    return Source(
        f"(SELECT raw, doc, {items} FROM {parsed})",
        broken=(
            "CASE WHEN doc IS NULL THEN CASE WHEN raw IS NULL OR regexp_full_match(raw, '\\s*') THEN '' ELSE 'broken"
            " JSON' END WHEN starts_with(raw, '{') THEN NULL WHEN json_type(doc) <> 'OBJECT' THEN 'the line is not a"
            " JSON object' END"
        ),
        fields={column.name: _json_field(column, f"i{number}") for number, column in enumerate(kind.columns)},
        extra=(
            f"CASE WHEN len(json_keys(doc)) > {given} "
            f"THEN nullif(json_merge_patch(doc, {literal(without)})::VARCHAR, '{{}}') END"
        ),
        origin="raw",
        row="origin",
    )


def read_parquet(
    connection: duckdb.DuckDBPyConnection, path: Path, kind: RowKind, columns: Mapping[str, str], *, segment: bool
) -> Source:
    """Read every row of a Parquet file, in order. Raises `RatchetError` with the columns found if one is missing."""
    table = f"read_parquet({literal(str(path))})"
    types = {row[0]: str(row[1]) for row in connection.execute(f"DESCRIBE SELECT * FROM {table}").fetchall()}
    ours = {"extra", "file", "line"} if segment else set()
    source = _tabular(table, kind, columns, {name: sql for name, sql in types.items() if name not in ours})
    return replace(source, extra="extra", segment=True) if segment else source


def read_csv(path: Path, kind: RowKind, columns: Mapping[str, str]) -> Source:
    """Read every record of a CSV file with a header; all values are text. Ragged records go to `csv_errors`."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        first = file.readline(1 << 20)
        file.seek(0)
        delimiter = max(",;\t|", key=first.count)
        try:
            header = next(csv.reader(file, delimiter=delimiter, strict=True), [])
        except csv.Error as error:
            raise UnreadableError(f"the header cannot be read: {error}") from None
    if len(header) > MAX_COLUMNS:
        raise UnreadableError(f"it has {len(header):,} columns, more than {MAX_COLUMNS:,}: leave out those not needed")
    names = [name.strip() or f"column{i}" for i, name in enumerate(header, start=1)]
    if any("\n" in name or "\r" in name for name in names):
        raise UnreadableError("the header runs over several lines: a quote in it is not closed")
    doubles = sorted({name for name in names if [n.lower() for n in names].count(name.lower()) > 1})
    if doubles:
        raise UnreadableError(f"the header names column {doubles[0]!r} twice")
    types = "{" + ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names) + "}"
    table = (
        f"read_csv({literal(str(path))}, columns={types}, header=true, auto_detect=false, delim={literal(delimiter)},"
        f" quote='\"', escape='\"', max_line_size={MAX_LINE_BYTES}, store_rejects=true, rejects_table='csv_errors',"
        " rejects_scan='csv_scans', rejects_limit=0)"
    )
    return _tabular(table, kind, columns, dict.fromkeys(names, "CSV"))


def lacking(kind: RowKind, columns: Mapping[str, str], missing: str, found: list[str]) -> RatchetError:
    """Return the error about a file without the required column `missing` (our name)."""
    theirs = columns.get(missing, missing)
    shown = ", ".join(repr(name[:60]) for name in found[:30]) or "none"
    free = [name for name in found if name not in kind.names]
    guess = _guess(missing, free)
    return RatchetError(
        f"the file has no column {theirs!r}, which {kind.name} needs (found: {shown}).",
        f"Name its column: --map {missing}={guess}.",
        code="missing_column",
        details={"missing": missing, "found": found},
    )


def _guess(missing: str, free: list[str]) -> str:
    word = nearest(missing, free).removeprefix("Did you mean ").removesuffix("?").strip("'\"")
    return word or (free[0] if len(free) == 1 else "theirs")


def _tabular(table: str, kind: RowKind, columns: Mapping[str, str], types: dict[str, str]) -> Source:
    fields, used = {}, set()
    for column in kind.columns:
        theirs = columns.get(column.name, column.name)
        if theirs in types:
            used.add(theirs)
            fields[column.name] = _typed_field(column, quoted(theirs), types[theirs])
        elif column.required:
            raise lacking(kind, columns, column.name, list(types))
        else:
            fields[column.name] = (f"NULL::{column.sql}", "false", "NULL")
    others = [name for name in types if name not in used]
    given = " OR ".join(f"{quoted(name)} IS NOT NULL" for name in others)
    extra = (
        f"CASE WHEN {given} THEN json_merge_patch('{{}}', {_struct(others)})::VARCHAR END"
        if others
        else "NULL::VARCHAR"
    )
    return Source(f"{table} AS __row", "NULL::VARCHAR", fields, extra, origin="__row", row="to_json(origin)::VARCHAR")


def _struct(names: list[str]) -> str:
    return "to_json({" + ", ".join(f"{literal(name)}: {quoted(name)}" for name in names) + "})"


def _json(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _json_field(column: Column, item: str) -> tuple[str, str, str]:
    inner = f"{item}[2:-2]"
    digits = f"WHEN NOT starts_with({item}, '\"') AND regexp_full_match({item}, '0|-?[1-9][0-9]{{0,18}}') THEN {item} "
    text = (
        f"CASE {digits if column.digits else ''}WHEN NOT starts_with({item}, '\"') THEN NULL "
        f"WHEN contains({item}, '\\') THEN json_extract_string({item}, '$') ELSE {inner} END"
    )
    value = {
        "VARCHAR": text,
        "DOUBLE": f"TRY_CAST({item} AS DOUBLE)",
        "BOOLEAN": f"CASE {item} WHEN 'true' THEN true WHEN 'false' THEN false END",
        "TIMESTAMPTZ": zoned_time_sql(inner),
    }[column.sql]
    return value, f"{item} IS NOT NULL", text


def _typed_field(column: Column, name: str, found: str) -> tuple[str, str, str]:
    seen, base = f"{name} IS NOT NULL", found.split("(")[0]
    if found == "CSV" and column.sql in {"DOUBLE", "BOOLEAN"}:
        return f"TRY_CAST(trim({name}) AS {column.sql})", seen, name
    if column.sql == "TIMESTAMPTZ":
        if found in _ZONED:
            return f"{name}::TIMESTAMPTZ", seen, "NULL"
        return (zoned_time_sql(name) if found in {"CSV", "VARCHAR"} else "NULL::TIMESTAMPTZ"), seen, f"{name}::VARCHAR"
    fits = found == "CSV" or base in _TYPES[column.sql] or (column.digits and base in _INTEGERS)
    return (f"{name}::{column.sql}" if fits else f"NULL::{column.sql}"), seen, "NULL"
