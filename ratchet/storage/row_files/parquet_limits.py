"""Limits of a landed Parquet file's schema, checked in its footer before anything reads its columns.

A file nests its columns or has so many of them that every reader of it fails, or takes minutes: it is rejected as a
whole, by name, and the files beside it are loaded. Add here another limit that the footer alone shows.
"""

from pathlib import Path

import duckdb

from ratchet.core.sql import literal
from ratchet.storage.row_files.formats import MAX_COLUMNS, UnreadableError

MAX_FOOTER_BYTES = 16 * 2**20
MAX_DEPTH = 32
_MAGIC = b"PAR1"


def check_schema(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Raise `UnreadableError` for a schema beyond the limits; a footer that is damaged is left to the reader."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 8))
        end = file.read(8)
    footer = int.from_bytes(end[:4], "little")
    if len(end) < 8 or end[4:] != _MAGIC or footer > size:
        return
    if footer > MAX_FOOTER_BYTES:
        raise UnreadableError(f"its schema takes {footer:,} bytes, more than {MAX_FOOTER_BYTES:,}")
    children = [
        int(number or 0)
        for (number,) in connection.execute(f"SELECT num_children FROM parquet_schema({literal(str(path))})").fetchall()
    ]
    columns = sum(not number for number in children)
    if columns > MAX_COLUMNS:
        raise UnreadableError(f"it has {columns:,} columns, more than {MAX_COLUMNS:,}: leave out those not needed")
    if (depth := _depth_of(children)) > MAX_DEPTH:
        raise UnreadableError(f"its columns are nested {depth} deep, more than {MAX_DEPTH}: write them as JSON text")


def _depth_of(children: list[int]) -> int:
    """Return the depth of a tree from its nodes' numbers of children, in pre-order; the root is not counted."""
    deepest, open_nodes = 0, list[int]()
    for number in children:
        while open_nodes and not open_nodes[-1]:
            open_nodes.pop()
        if open_nodes:
            open_nodes[-1] -= 1
        deepest = max(deepest, len(open_nodes))
        open_nodes.append(number)
    return deepest
