"""Columns that no row of the staging table has: whether the file lacks them, or calls them otherwise.

JSON says so only once it is read. Add here another fault that is the file's, not its rows'.
"""

import json

import duckdb

from ratchet.core.errors import RatchetError
from ratchet.core.sql import literal
from ratchet.data.records import RowKind
from ratchet.ingest.reading.sources import LABEL_STUDIO, SAW, Columns, lacking


def find_absent(connection: duckdb.DuckDBPyConnection, kind: RowKind) -> tuple[list[str], list[str]]:
    """Return the required columns without a value in any row of `stage`, and the keys that refused rows have."""
    required = [column.name for column in kind.columns if column.required]
    tests = ", ".join(f"count({name}) = 0 AND bool_or(reason = {literal(name + ' is missing')})" for name in required)
    row = connection.execute(f"SELECT {tests} FROM stage").fetchone() or ()
    absent = [name for name, all_absent in zip(required, row, strict=False) if all_absent]
    if not absent:
        return [], []
    keys = connection.execute(
        "SELECT DISTINCT unnest(json_keys(TRY_CAST(raw AS JSON))) AS key "
        "FROM (SELECT raw FROM stage WHERE raw IS NOT NULL LIMIT 1000) ORDER BY key"
    ).fetchall()
    return absent, [key for (key,) in keys]


def check_columns(
    connection: duckdb.DuckDBPyConnection, kind: RowKind, columns: Columns, absent: list[str], keys: list[str]
) -> None:
    """Raise `RatchetError` where a required column is a key of no row, or the file says what the command says of it.

    A column that is there and empty in every row costs each row, by its name.
    """
    names = columns.wanted(kind)
    missing = [name for name in absent if names.get(name, name) not in keys]
    if around := _wrapping_keys(connection, lacks=bool(missing)):
        raise RatchetError(
            f"the file's rows lie inside a JSON object, with the keys {', '.join(map(repr, around))}.",
            "Write the rows as one list, or one a line; in pandas: frame.to_json(path, orient='records', lines=True).",
            code="missing_column",
            details={"missing": [*missing, *names][0], "found": around},
        )
    if missing:
        raise lacking(kind, columns, missing[0], keys)
    if columns.given(SAW) is not None:
        sql = "SELECT 1 FROM stage WHERE json_exists(extra, ?) LIMIT 1"
        if connection.execute(sql, [f"$.{SAW}"]).fetchone():
            raise columns.refuse_double_word(kind)


def _wrapping_keys(connection: duckdb.DuckDBPyConnection, *, lacks: bool) -> list[str]:
    """Return the first keys of a document with rows inside, under a key or split by columns or index; else nothing.

    A list inside counts only in a file that lacks columns, since a row may hold one beside them.
    """
    rows = connection.execute("SELECT raw FROM stage WHERE reason IS DISTINCT FROM '' LIMIT 2").fetchall()
    try:
        document = json.loads(rows[0][0]) if rows and rows[0][0] else None
    except (ValueError, RecursionError):
        return []
    if not isinstance(document, dict) or document.keys() >= LABEL_STUDIO:
        return []
    values = list(document.values())
    held = any(isinstance(value, list) and value and isinstance(value[0], dict | list) for value in values)
    split = len(rows) == 1 and len(values) > 1 and all(isinstance(value, dict) for value in values)
    return [key[:60] for key in [*document][:10]] if split or (held and lacks) else []
