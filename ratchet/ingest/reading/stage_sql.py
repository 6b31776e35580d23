"""The statement that makes the staging table of a source: each row typed, with its reason and the values it lost.

Add here another column of `stage`. The rules behind it are `ratchet/data/row_rules.py`.
"""

from ratchet.data.records import Column, RowKind, Terms
from ratchet.data.row_rules import ANSWER_SQL, fault_sql, reason_sql
from ratchet.ingest.reading.sources import Source


def stage_sql(source: Source, kind: RowKind, terms: Terms) -> str:
    """Return the statement that fills `stage` from `source`.

    `nulled` is NULL, or an object of JSON with the values that a row was taken without: by reason, as they were
    written.
    """
    optional = [column for column in kind.columns if not column.required]
    forms = {column.name: column.form for column in kind.columns}
    typed = ", ".join(
        f"{forms[name].format(value)} AS {name}, {seen} AS {name}_seen"
        for name, (value, seen, _) in source.fields.items()
    )
    given = "".join(f", {value} AS {name}_given" for name, (_, _, value) in source.fields.items())
    faults = "".join(f", {fault_sql(column, terms)} AS {column.name}_fault" for column in optional)
    values = ", ".join(_kept(column) for column in kind.columns)
    place = "file, line" if source.segment else f"NULL::VARCHAR AS file, {source.line or 'NULL::BIGINT'} AS line"
    return (
        f"CREATE OR REPLACE TEMP TABLE stage AS SELECT {values}, extra, reason, file, line,"
        f" CASE WHEN reason <> '' THEN {source.row} END AS raw, {_nulled(optional)} AS nulled"
        f" FROM (SELECT *, {reason_sql(kind, terms)} AS reason{faults} FROM (SELECT"
        f" {source.broken} AS broken, {typed}{given}, {source.extra} AS extra,"
        f" {source.origin} AS origin, {source.nulled or 'NULL::VARCHAR'} AS before, {place} FROM {source.table}))"
    )


def _kept(column: Column) -> str:
    name = column.name
    if name == "answer":
        return f"{ANSWER_SQL} AS answer"
    value = f"nullif({name}, '')" if column.sql == "VARCHAR" else name
    return name if column.required else f"CASE WHEN {name}_fault IS NULL THEN {value} END AS {name}"


def _nulled(optional: list[Column]) -> str:
    if not optional:
        return "before"
    faults = [f"{column.name}_fault" for column in optional]
    objects = ", ".join(
        f"CASE WHEN {column.name}_fault IS NOT NULL THEN json_object({column.name}_fault, {column.name}_given) END"
        for column in optional
    )
    merged = f"list_reduce(list_filter([{objects}], lambda one: one IS NOT NULL), lambda a, b: json_merge_patch(a, b))"
    return (
        f"CASE WHEN coalesce({', '.join(faults)}) IS NOT NULL AND reason IS NULL THEN {merged}::VARCHAR ELSE before END"
    )


def count_nulled(where: str) -> str:
    """Return the query for the number of values that the rows of `stage` chosen by `where` were taken without."""
    return (
        "SELECT reason, count(*) FROM (SELECT unnest(json_keys(s.nulled)) AS reason FROM stage s WHERE s.nulled IS NOT"
        f" NULL AND {where}) GROUP BY reason ORDER BY reason"
    )
