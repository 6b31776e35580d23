"""Sources of tables: Parquet with its types, CSV with text alone, both giving the same values for the same row.

Add here another type of a column. How a program writes a value as text is `ratchet/data/value_forms.py`.
"""

from dataclasses import replace
from pathlib import Path

import duckdb

from ratchet.core.sql import literal, quoted
from ratchet.data.records import Column, RowKind
from ratchet.data.value_forms import boolean_sql, instant_sql, number_sql
from ratchet.ingest.reading.sources import Columns, Source, lacking
from ratchet.storage.row_files.csv_header import CsvHeader
from ratchet.storage.row_files.formats import MAX_LINE_BYTES

LINE = "__ratchet_line"
"""Column of a copied CSV: the line of the file on which the record begins."""
_WHOLE = (
    "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT",
)  # fmt: skip
_NUMBERS = ("DOUBLE", "FLOAT", "DECIMAL", *_WHOLE)
_ZONED = ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS")
_TEXTS = ("CSV", "VARCHAR", "ENUM", "BLOB", "UUID", "JSON")
CONVERTED = ("broken", "raw")
"""Columns of a segment that was made of a file of another shape: why a row of it is none, and the row as it stood."""
_INT96 = "INT96"
"""The old time of Parquet, which Spark writes by default: an instant in UTC, though its type does not say so."""


def read_parquet(
    connection: duckdb.DuckDBPyConnection, path: Path, kind: RowKind, columns: Columns, *, segment: bool
) -> Source:
    """Read every row of a Parquet file, in order. Raises `RatchetError` with the columns found if one is missing."""
    table = f"read_parquet({literal(str(path))})"
    types = {row[0]: str(row[1]) for row in connection.execute(f"DESCRIBE SELECT * FROM {table}").fetchall()}
    ours = {"extra", "file", "line", "nulled", *CONVERTED} if segment else set()
    nulled = "nulled" if segment and "nulled" in types else ""
    if any(found.startswith("TIMESTAMP") and found not in _ZONED for found in types.values()):
        sql = f"SELECT DISTINCT name FROM parquet_schema({literal(str(path))}) WHERE type = '{_INT96}'"
        types |= {name: _INT96 for (name,) in connection.execute(sql).fetchall() if name in types}
    source = _tabular(table, kind, columns, {name: sql for name, sql in types.items() if name not in ours})
    if segment and types.keys() >= set(CONVERTED):
        source = replace(source, broken="broken", origin="raw", row="origin")
    return replace(source, extra="extra", segment=True, nulled=nulled) if segment else source


def read_csv(path: Path, kind: RowKind, columns: Columns, header: CsvHeader, *, numbered: bool = False) -> Source:
    """Read every record of a CSV file with a header; all values are text. Ragged records go to `csv_errors`.

    `numbered` is True for a copy that holds the line of each record in its first column.
    """
    names = ((LINE,) if numbered else ()) + header.names
    types = "{" + ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names) + "}"
    dialect = "','" if numbered else literal(header.delimiter)
    table = (
        f"read_csv({literal(str(path))}, columns={types}, header=true, skip={0 if numbered else header.skipped},"
        f" auto_detect=false, delim={dialect}, quote='\"', escape='\"', nullstr=['', '\\N'],"
        f" max_line_size={MAX_LINE_BYTES}, store_rejects=true, rejects_table='csv_errors', rejects_scan='csv_scans',"
        " rejects_limit=0)"
    )
    source = _tabular(table, kind, columns, dict.fromkeys(header.names, "CSV"))
    # spreadsheets write rows of nothing but delimiters below the last one
    blank = f"CASE WHEN coalesce({', '.join(map(quoted, header.names))}) IS NULL THEN '' END"
    if not numbered:
        return replace(source, broken=blank)
    fields = ", ".join(f"{literal(name)}: {quoted(name)}" for name in header.names)
    return replace(source, broken=blank, line=f"{quoted(LINE)}::BIGINT", origin=f"{{{fields}}}")


def _tabular(table: str, kind: RowKind, columns: Columns, types: dict[str, str]) -> Source:
    fields, used = {}, set()
    fitted = columns.fitted(kind, list(types))
    wanted = fitted.wanted(kind)
    for column in kind.columns:
        theirs = wanted.get(column.name)
        if theirs is None:
            if column.name in types and not column.aside:
                raise columns.refuse_double_word(kind)
            fields[column.name] = (columns.given(column.name) or f"NULL::{column.sql}", "true", "NULL")
        elif theirs in types:
            used.add(theirs)
            fields[column.name] = _field(column, quoted(theirs), types[theirs])
        elif column.required and wanted.get(column.unless) not in types:
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


def _field(column: Column, name: str, found: str) -> tuple[str, str, str]:
    """Return value, presence and the column itself, for one `name` of the type `found`."""
    base, seen = found.split("(")[0], f"{name} IS NOT NULL"
    cast = f"CAST({name} AS VARCHAR)"
    text = f"TRY(decode({name}))" if base == "BLOB" else name if base in {"CSV", "VARCHAR"} else cast
    spoken, value = base in _TEXTS, f"NULL::{column.sql}"
    if column.sql == "VARCHAR":
        whole = base in _WHOLE or (base == "DECIMAL" and found.endswith(",0)"))
        if spoken or whole or (base == "BOOLEAN" and column.name == "label"):
            value = text
        elif found == "VARCHAR[]" and column.name == "label":  # of the one label, as in JSON
            value = f"CASE WHEN len({name}) = 1 THEN {name}[1] END"
    elif column.sql == "DOUBLE":
        value = number_sql(text) if spoken else f"{name}::DOUBLE" if base in _NUMBERS else value
    elif column.sql == "BOOLEAN":
        value = name if base == "BOOLEAN" else boolean_sql(text) if spoken or base in _NUMBERS else value
    elif found in _ZONED or found == _INT96:
        value = f"{name}::TIMESTAMP::TIMESTAMPTZ" if found == _INT96 else f"{name}::TIMESTAMPTZ"
    elif spoken:
        value = instant_sql(text)
    return value, f"{seen}{_some_label(name, text, found, spoken=spoken)}" if column.name == "label" else seen, name


def _some_label(name: str, text: str, found: str, *, spoken: bool) -> str:
    """Return SQL that goes on after IS NOT NULL: an empty text or list, and NaN of pandas, count as none."""
    if spoken:
        return f" AND coalesce({text} NOT IN ('', '[]', '[\"\"]'), true)"
    if found == "VARCHAR[]":
        return f" AND (len({name}) > 1 OR len({name}) = 1 AND coalesce({name}[1], '') <> '')"
    if found.endswith("[]"):
        return f" AND len({name}) > 0"
    return f" AND NOT isnan({name})" if found in {"DOUBLE", "FLOAT"} else ""
