"""Words as SQL: the only way in which a value or a name that we did not choose enters a statement.

Add here ways to quote; statements belong where their tables are.
"""


def literal(value: str) -> str:
    """`value` as an SQL string."""
    return "'" + value.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """`name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
