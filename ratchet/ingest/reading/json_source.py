"""Source of a JSON file: every line parsed once, or the rows of one list, with the values of our columns.

Add here another layout of JSON. The values are brought to one form by `ratchet/data/value_forms.py`.
"""

from pathlib import Path

from ratchet.core.sql import literal, quoted
from ratchet.data.records import Column, RowKind
from ratchet.data.value_forms import boolean_sql, instant_sql, number_sql
from ratchet.ingest.reading.sources import Columns, Source
from ratchet.storage.row_files.documents import documents_sql
from ratchet.storage.row_files.formats import MAX_LINE_BYTES
from ratchet.storage.row_files.opening import LINES, REPORT

SEPARATOR = "\x01"
"""The field separator under which a JSONL line is one field; never part of valid JSON."""
SURROGATE = "a text holds a lone surrogate"
_MOST_DIGITS = 4300
"""Digits of an integer, as many as Python reads."""
_SURROGATE = r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}"


def read_json(path: Path, kind: RowKind, columns: Columns, *, crlf: bool, layout: str = LINES) -> Source:
    """Read every line of a JSONL file, parsed once; blank lines stay as empty rows, so that row n is line n.

    Of another layout, row n is the n-th row of the list. A report on rejected rows gives the rows that it holds.
    """
    wanted = columns.wanted(kind)
    shape = "{" + ",".join(f'{_json(name)}:"JSON"' for name in wanted.values()) + "}"
    without = "{" + ",".join(f"{_json(name)}:null" for name in wanted.values()) + "}"
    number = {name: f"i{place}" for place, name in enumerate(wanted)}
    items = ", ".join(f"v.{quoted(theirs)}::VARCHAR AS {number[ours]}" for ours, theirs in wanted.items())
    lines = _lines(path, crlf=crlf)
    reported = f"(SELECT coalesce(json_extract_string(TRY_CAST(raw AS JSON), '$.row'), raw) AS raw FROM {lines})"
    rows = {LINES: lines, REPORT: reported}.get(layout) or documents_sql(path, layout)
    parsed = (
        f"(SELECT raw, doc, from_json(doc, {literal(shape)}) AS v FROM (SELECT raw, TRY_CAST(raw AS JSON) AS doc FROM"
        f" {rows}))"
    )
    given = " + ".join(f"({item} IS NOT NULL)::INT" for item in number.values())
    no_row = (
        f"CASE WHEN raw IS NULL OR regexp_full_match(raw, '\\s*') THEN '' WHEN regexp_matches(raw, '{_SURROGATE}') AND"
        f" TRY_CAST(regexp_replace(raw, '{_SURROGATE}', '?', 'g') AS JSON) IS NOT NULL THEN '{SURROGATE}' ELSE 'broken"
        " JSON' END"
    )
    return Source(
        f"(SELECT raw, doc, {items} FROM {parsed})",
        broken=(
            f"CASE WHEN doc IS NULL THEN {no_row} WHEN starts_with(raw, '{{') THEN NULL WHEN json_type(doc) <> 'OBJECT'"
            " THEN 'the line is not a JSON object' END"
        ),
        fields={
            column.name: _field(column, number[column.name])
            if column.name in number
            else (columns.given(column.name) or f"NULL::{column.sql}", "true", "NULL")
            for column in kind.columns
        },
        extra=(
            f"CASE WHEN len(json_keys(doc)) > {given} "
            f"THEN nullif(json_merge_patch(doc, {literal(without)})::VARCHAR, '{{}}') END"
        ),
        origin="raw",
        row="origin",
    )


def _lines(path: Path, *, crlf: bool) -> str:
    newline = "strict_mode=true" if crlf else r"new_line='\n', strict_mode=false"
    return (
        f"read_csv({literal(str(path))}, columns={{'raw': 'VARCHAR'}}, header=false, auto_detect=false,"
        f" delim='{SEPARATOR}', quote='', escape='', max_line_size={MAX_LINE_BYTES}, {newline})"
    )


def _json(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _field(column: Column, item: str) -> tuple[str, str, str]:
    """Return value, presence and the item itself; what is usual comes first, since every row pays for it."""
    inner = f"{item}[2:-2]"
    content = f"CASE WHEN contains({item}, '\\') THEN json_extract_string({item}, '$') ELSE {inner} END"
    spoken = f"starts_with({item}, '\"')"
    if column.sql == "VARCHAR":
        whole = f"(regexp_full_match({item}, '0|-?[1-9][0-9]*') AND strlen({item}) <= {_MOST_DIGITS})"
        truth = ""
        if column.name == "label":  # annotation tools that allow several labels write a list of the one
            only = f"starts_with({item}, '[\"') AND json_array_length({item}) = 1"
            truth = (
                f" WHEN {item} IN ('true', 'false') THEN {item} WHEN {only} THEN json_extract_string({item}, '$[0]')"
            )
        value = f"CASE WHEN {spoken} THEN {content} WHEN {whole} THEN {item}{truth} END"
    elif column.sql == "DOUBLE":
        value = f"coalesce(TRY_CAST({item} AS DOUBLE), CASE WHEN {spoken} THEN {number_sql(content)} END)"
    elif column.sql == "BOOLEAN":
        word = f"trim({item}, '\"')"
        value = f"CASE {item} WHEN 'true' THEN true WHEN 'false' THEN false ELSE {boolean_sql(word)} END"
    else:
        escaped = instant_sql(f"json_extract_string({item}, '$')")  # .NET writes the + of an offset as an escape
        value = f"coalesce({instant_sql(inner)}, CASE WHEN contains({item}, '\\') THEN {escaped} END)"
    seen = f"{item} IS NOT NULL"
    if column.name == "label":  # an empty text or list, and NaN of pandas, count as none, as in `label_of`
        bare = f"regexp_replace({item}, '\\s', '', 'g') IN ('[]', '[\"\"]', '[null]')"
        seen += (
            f" AND CASE WHEN starts_with({item}, '[') THEN NOT {bare} ELSE {item} NOT IN ('NaN', '\"\"', '\"[]\"') END"
        )
    return value, seen, item
