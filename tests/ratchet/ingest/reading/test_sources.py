"""Each format becomes the same columns, with the same names, types and guesses at a mapping."""

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ratchet.data.records import KINDS
from ratchet.ingest.reading.json_source import read_json
from ratchet.ingest.reading.sources import Columns, Source, lacking
from ratchet.ingest.reading.table_source import read_csv, read_parquet
from ratchet.storage.row_files.csv_header import read_header
from ratchet.storage.row_files.formats import UnreadableError

LOGS = KINDS["production_logs"]


def rows(connection: duckdb.DuckDBPyConnection, source: Source, *names: str) -> list[tuple[Any, ...]]:
    """Some fields of every row, the reader's own reason first and the extra columns last."""
    chosen = ", ".join([source.broken, *(source.fields[name][0] for name in names), source.extra])
    return connection.execute(f"SELECT {chosen} FROM {source.table}").fetchall()


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_every_format_gives_the_same_fields(tmp_path: Path, form: str) -> None:
    """Text, number and a further column, under names that need quoting; an absent value is NULL."""
    path = tmp_path / f"in.{form}"
    columns = Columns({"request_id": 'my "id"', "text": "bo/dy~"})
    if form == "parquet":
        table = {
            'my "id"': ["x", None],
            "ts": ["t", "t"],
            "bo/dy~": ["a", "b"],
            "label": ["l", "l"],
            "confidence": [0.5, None],
            "team": ["n", None],
        }
        pq.write_table(pa.table(table), path)
    elif form == "csv":
        path.write_text('"my ""id""",ts,bo/dy~,label,confidence,team\nx,t,a,l,0.5,n\n,t,b,l,,\n')
    else:
        path.write_text(
            '{"my \\"id\\"": "x", "ts": "t", "bo/dy~": "a", "label": "l", "confidence": 0.5, "team": "n"}\n'
            '{"my \\"id\\"": null, "ts": "t", "bo/dy~": "b", "label": "l"}\n'
        )
    with duckdb.connect() as connection:
        if form == "parquet":
            source = read_parquet(connection, path, LOGS, columns, segment=False)
        else:
            json = read_json(path, LOGS, columns, crlf=False)
            source = read_csv(path, LOGS, columns, read_header(path)) if form == "csv" else json
        found = rows(connection, source, "request_id", "text", "confidence", "latency_ms")
    assert found == [(None, "x", "a", 0.5, None, '{"team":"n"}'), (None, None, "b", None, None, None)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_usual_delimiters_are_recognised(tmp_path: Path, delimiter: str) -> None:
    """By the header alone."""
    path = tmp_path / "in.csv"
    path.write_text(
        delimiter.join(["request_id", "ts", "text", "label"]) + "\n" + delimiter.join(["r", "t", "hello", "l"]) + "\n"
    )
    with duckdb.connect() as connection:
        assert rows(connection, read_csv(path, LOGS, Columns(), read_header(path)), "request_id", "text") == [
            (None, "r", "hello", None)
        ]


@pytest.mark.parametrize(
    ("header", "reason"), [("a,b,a", "names column 'a' twice"), ("a,A", "twice"), ('a,"b', "header cannot be read")]
)
def test_a_header_that_is_no_header_makes_the_file_unreadable(tmp_path: Path, header: str, reason: str) -> None:
    """Two columns of one name, in any case, could hold anything."""
    (tmp_path / "in.csv").write_text(header)
    with pytest.raises(UnreadableError, match=reason):
        read_header(tmp_path / "in.csv")


@pytest.mark.parametrize(
    ("found", "suggestion"),
    [
        (["request_id", "ts", "texts", "label"], "--map text=texts"),
        (["request_id", "ts", "body", "label"], "--map text=body"),
        (["request_id", "body", "subject"], "--map text=theirs"),
    ],
)
def test_a_missing_column_is_answered_with_the_likeliest_mapping(found: list[str], suggestion: str) -> None:
    """The nearest name, or the only one left over; where nothing is likely, the form."""
    error = lacking(LOGS, Columns(), "text", found)
    assert suggestion in error.hint
    assert all(repr(name) in error.message for name in found)
    assert error.details == {"missing": "text", "found": found}


@pytest.mark.parametrize(
    ("found", "hint"),
    [
        (["id", "data", "annotations", "meta"], "--from label-studio FILE"),
        (["a1", "2026-03-02 10:00:00+00", "hello", "refund"], "Its first line is a row"),
        (["a1", "1772445600", "hello", "refund"], "Its first line is a row"),
        (["a1", "2026-03-02", "hello", "refund", "0.87"], "Its first line is a row"),
        (["3f2b8c1e-1111-4222-8333-123456789abc", "hello", "refund"], "Its first line is a row"),
        (["a1", "where is the money that you owe me", "refund"], "Its first line is a row"),
        (["a1", "hello", "\\N"], "Its first line is a row"),
        (["id", "When was it sent?", "customer text", "class2"], "Name its column: --map request_id=theirs."),
    ],
)
def test_a_file_without_any_of_our_columns_is_known_for_what_it_is(found: list[str], hint: str) -> None:
    """Warehouses unload without a header unless they are asked; one tool nests all that it has."""
    assert hint in lacking(LOGS, Columns(), "request_id", found).hint


@pytest.mark.parametrize(
    ("found", "theirs"),
    [
        (
            ["REQUEST_ID", "TS", "TEXT", "LABEL"],
            {"request_id": "REQUEST_ID", "ts": "TS", "text": "TEXT", "label": "LABEL"},
        ),
        (["request_id", " Text "], {"text": " Text "}),
        (["text", "TEXT"], {}),
        (["Text", "TEXT"], {}),
    ],
)
def test_names_are_found_in_the_case_in_which_a_warehouse_writes_them(found: list[str], theirs: dict[str, str]) -> None:
    """Snowflake shouts and spreadsheets leave spaces; of two that are alike none is chosen."""
    assert Columns().fitted(LOGS, found).theirs == theirs
