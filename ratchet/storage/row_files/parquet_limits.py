"""Limits of a Parquet file, checked before anything copies its rows: its schema in the footer, then its unpacked size.

A file nests its columns or has so many of them that every reader of it fails, or takes minutes, or repeats one text a
million times: it is rejected as a whole, by name, and the files beside it are loaded. Add here another such limit.
"""

from pathlib import Path

import duckdb

from ratchet.core.sql import literal, quoted
from ratchet.storage.row_files.formats import MAX_COLUMNS, UnreadableError
from ratchet.storage.row_files.opening import MAX_RATIO, MAX_UNPACKED_BYTES

MAX_FOOTER_BYTES = 16 * 2**20
MAX_DEPTH = 32
SMALL_TABLE = 1 << 30
"""Size below which the ratio says nothing: a dictionary packs texts that repeat much better than gzip does."""
_MAGIC = b"PAR1"
_VALUE_BYTES = 8


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


def check_size(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Raise `UnreadableError` for a file whose values unpack beyond the limits for packed files.

    The footer gives the size of a dictionary, not of the column that it becomes, so the lengths are summed: texts that
    repeat are one vector there, and none is copied.
    """
    table = f"read_parquet({literal(str(path))})"
    sizes = ["0"]
    for name, kind, *_ in connection.execute(f"DESCRIBE SELECT * FROM {table}").fetchall():
        if kind == "BLOB":
            sizes.append(f"octet_length({quoted(name)})")
        elif kind == "VARCHAR" or (kind.endswith((")", "]")) and not kind.startswith("DECIMAL")):
            sizes.append(f"strlen({quoted(name)}::VARCHAR)")
        else:
            sizes.append(str(_VALUE_BYTES))
    total = " + ".join(f"coalesce(sum({size}), 0)" for size in sizes)
    (unpacked,) = connection.execute(f"SELECT {total} + {_VALUE_BYTES} * count(*) FROM {table}").fetchone() or (0,)
    packed = path.stat().st_size
    most = min(MAX_UNPACKED_BYTES, max(SMALL_TABLE, MAX_RATIO * packed))
    if unpacked > most:
        raise UnreadableError(
            f"it unpacks to more than {most:,} bytes, from {packed:,}: write it as JSON lines if that is right"
        )


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
