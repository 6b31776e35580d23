"""Damage of a DuckDB file: recognised by the error, and the file moved aside so that it is not lost.

Add here a message that means damage. A damaged file is rebuilt by `warehouse.py`.
"""

from pathlib import Path

import duckdb

from ratchet.core.files import fsync_folder

_SIGNS = ("Corrupt", "replaying WAL", "Could not read enough bytes", "not a valid DuckDB database file")


def is_damage(error: duckdb.Error) -> bool:
    """Return True where `error` means wrong bytes, rather than a file that is locked, missing or of a newer version."""
    return any(sign in str(error) for sign in _SIGNS)


def is_damaged(path: Path) -> bool:
    """Return True where the file is damaged: opens it and reads every block of every table."""
    try:
        with duckdb.connect(str(path)) as connection:
            for (table,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall():
                connection.execute(f'SELECT bit_xor(hash(row)) FROM "{table}" row').fetchall()
    except duckdb.Error as error:
        if is_damage(error):
            return True
        raise
    return False


def move_aside(path: Path) -> Path:
    """Rename a damaged file and its WAL to `<name>.corrupt-<n>`; the WAL first, since the file can do without it."""
    number = 1
    while (aside := path.with_name(f"{path.name}.corrupt-{number}")).exists() or aside.with_name(
        f"{aside.name}.wal"
    ).exists():
        number += 1
    wal = path.with_name(f"{path.name}.wal")
    if wal.exists():
        wal.rename(aside.with_name(f"{aside.name}.wal"))
    if path.exists():
        path.rename(aside)
    fsync_folder(path.parent)
    return aside
