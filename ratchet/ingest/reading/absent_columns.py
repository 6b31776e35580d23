"""Columns that no row of the staging table has: whether the file lacks them, or calls them otherwise.

JSON says so only once it is read. Add here another fault that is the file's, not its rows'.
"""

import duckdb

from ratchet.core.sql import literal
from ratchet.data.records import RowKind
from ratchet.ingest.reading.sources import SAW, Columns, lacking


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
    if missing := [name for name in absent if names.get(name, name) not in keys]:
        raise lacking(kind, columns, missing[0], keys)
    if columns.given(SAW) is not None:
        sql = "SELECT 1 FROM stage WHERE json_exists(extra, ?) LIMIT 1"
        if connection.execute(sql, [f"$.{SAW}"]).fetchone():
            raise columns.refuse_double_word(kind)
