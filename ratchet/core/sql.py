"""SQL quoting: the only way in which a value or name that we did not choose enters a statement.

Add here ways to quote; statements belong beside their tables.
"""


def literal(value: str) -> str:
    """Return `value` as an SQL string literal."""
    return "'" + value.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """Return `name` as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
