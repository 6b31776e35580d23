"""Rows of one file meet the rows that are there: new, the same, contradicting, or waiting for their request."""

import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from ratchet.data.records import KINDS
from ratchet.data.row_rules import WAITING
from ratchet.ingest.staging import Stage
from ratchet.storage.migrations import migrate

Row = tuple[str, str, str | None]
"""Request id, label, and the reason that the row was refused for before."""

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    """An empty warehouse in memory."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    migrate(connection)
    return connection


def corrections(connection: duckdb.DuckDBPyConnection, rows: list[Row]) -> Stage:
    """Stage these corrections, all by one annotator at one time, and judge them."""
    connection.execute("CREATE OR REPLACE TEMP TABLE bad (line BIGINT, reason VARCHAR, row VARCHAR)")
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE stage (request_id VARCHAR, ts TIMESTAMPTZ, label VARCHAR, annotator VARCHAR, "
        "saw_prediction BOOLEAN, answer VARCHAR, chosen VARCHAR, batch VARCHAR, seconds DOUBLE, note VARCHAR, "
        "extra VARCHAR, reason VARCHAR, file VARCHAR, line BIGINT, raw VARCHAR, nulled VARCHAR)"
    )
    for name, label, reason in rows:
        values = [name, label, reason]
        connection.execute(
            "INSERT INTO stage (request_id, ts, label, annotator, saw_prediction, reason)"
            " VALUES ($1, '2026-02-03T00:00:00Z', $2, 'ann', true, $3)",
            values,
        )
    stage = Stage(connection, KINDS["corrections"], "tickets", ".jsonl")
    stage.judge(NOW)
    return stage


def request(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Log a request."""
    connection.execute(
        "INSERT INTO production_logs VALUES ('tickets', ?, '2026-02-02T00:00:00Z', 't', 'a', NULL, NULL, NULL, NULL,"
        " '2026-02-02')",
        [name],
    )


def test_each_row_gets_one_verdict(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """New, refused before, twice, contradicting, waiting: counted apart, and what is refused is reported."""
    request(connection, "r")
    stage = corrections(
        connection, [("r", "a", None), ("s", "a", "bad"), ("r", "a", None), ("r", "b", None), ("never", "a", None)]
    )
    assert stage.counts() == (1, 1, 1)
    assert stage.admit(1, NOW) == 1
    reasons = stage.write_rejects(tmp_path / "out.jsonl", "in.jsonl", waiting=None)
    conflict = "conflicts with an earlier row of the same request_id and annotator and ts: another label"
    assert reasons == {"bad": 1, conflict: 1, WAITING: 1}
    report = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [(row["file"], row["line"]) for row in report] == [("in.jsonl", 2), ("in.jsonl", 4), ("in.jsonl", 5)]
    assert stage.write_rejects(tmp_path / "out.jsonl", "in.jsonl", waiting=True) == {WAITING: 1}
    assert stage.write_rejects(tmp_path / "out.jsonl", "in.jsonl", waiting=False) == {"bad": 1, conflict: 1}


def test_rows_already_there_come_before_those_of_the_file(connection: duckdb.DuckDBPyConnection) -> None:
    """The warehouse's row is the first; both rows of the file are measured by it."""
    request(connection, "r")
    corrections(connection, [("r", "a", None)]).admit(1, NOW)
    stage = corrections(connection, [("r", "b", None), ("r", "a", None)])
    assert stage.counts() == (0, 1, 0)
    assert connection.execute("SELECT rid FROM verdict WHERE reason IS NULL").fetchall() == [(1,)]


def test_a_segment_holds_accepted_and_waiting_rows_with_their_place(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """So that waiting rows can be tried again and still be named by the file they came in; once is enough."""
    request(connection, "r")
    rows: list[Row] = [("s", "a", "bad"), ("r", "a", None), ("r", "a", None), ("never", "a", None)]
    stage = corrections(connection, rows)
    path = tmp_path / "segment.parquet"
    assert stage.write_segment(path, "in's.csv") == 2
    found = connection.execute(f"SELECT request_id, file, line FROM '{path}'").fetchall()
    assert found == [("r", "in's.csv", 2), ("never", "in's.csv", 4)]
    again = corrections(connection, rows)
    again.known_waiting([path])
    assert again.counts() == (1, 2, 0)
