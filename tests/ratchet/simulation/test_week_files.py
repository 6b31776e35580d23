"""Promises of the files of a simulated week: the landing folder's form, the same bytes each time, late rows next
week."""

import json
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from ratchet.core.errors import RatchetError
from ratchet.simulation.week_files import write_week_files
from ratchet.simulation.weeks import Simulation

MONDAY = date(2026, 1, 5)
NEXT = MONDAY + timedelta(days=7)
WORLD = Simulation()


def read(path: Path) -> list[dict[str, object]]:
    """Rows of a JSONL file."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_files_lie_in_the_landing_folders_under_the_week(tmp_path: Path) -> None:
    """Written into a classifier's folder, a week is ready to be taken in."""
    logs, corrections = WORLD.write_week(tmp_path, MONDAY, 30)
    assert logs == tmp_path / "production_logs" / "2026-01-05.jsonl"
    assert corrections == tmp_path / "corrections" / "2026-01-05.jsonl"
    assert len(read(logs)) == 30


def test_the_same_values_give_the_same_bytes(tmp_path: Path) -> None:
    """In either format, week after week."""
    for suffix in ("jsonl", "parquet"):
        written = [
            [
                path.read_bytes()
                for week in (MONDAY, NEXT)
                for path in WORLD.write_week(tmp_path / name / suffix, week, 200, drift=0.1, suffix=suffix)  # type: ignore[arg-type]
            ]
            for name in ("one", "two")
        ]
        assert written[0] == written[1]


def test_parquet_holds_the_rows_of_jsonl(tmp_path: Path) -> None:
    """Two formats, one content."""
    as_json, as_parquet = (WORLD.write_week(tmp_path, MONDAY, 300, suffix=suffix) for suffix in ("jsonl", "parquet"))
    for lines, table in zip(as_json, as_parquet, strict=True):
        relation = duckdb.sql(f"SELECT * FROM read_parquet('{table}')")
        assert [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()] == read(lines)


def test_corrections_stand_in_order_of_arrival_and_late_ones_in_the_next_file(tmp_path: Path) -> None:
    """None is lost: what is not in its own week's file comes in the next, once."""
    made = {
        (row["request_id"], row["annotator"])
        for week in (MONDAY, NEXT)
        for request in WORLD.iter_week(week, 400)
        for row in request.corrections
    }
    (first_logs, first), (_, second) = (WORLD.write_week(tmp_path, week, 400) for week in (MONDAY, NEXT))
    known = {row["request_id"] for row in read(first_logs)}
    for path in (first, second):
        times = [str(row["ts"]) for row in read(path)]
        assert times == sorted(times)
    assert all(str(row["ts"]) < str(NEXT) for row in read(first))
    late = [row for row in read(second) if row["request_id"] in known]
    assert late
    assert all(str(row["ts"]) >= str(NEXT) for row in late)
    waiting = read(second.parent / ".2026-01-19.late")
    got = [(row["request_id"], row["annotator"]) for row in [*read(first), *read(second), *waiting]]
    assert len(got) == len(set(got))
    assert set(got) == made


def test_what_waits_for_next_week_is_no_file_that_ingest_takes(tmp_path: Path) -> None:
    """Hidden, and of no suffix that a landing folder looks for."""
    WORLD.write_week(tmp_path, MONDAY, 400)
    assert [path.name for path in (tmp_path / "corrections").glob("*.jsonl")] == ["2026-01-05.jsonl"]
    assert sorted(path.name for path in (tmp_path / "corrections").iterdir()) == [
        ".2026-01-12.late",
        "2026-01-05.jsonl",
    ]


def test_a_week_that_fails_half_way_leaves_no_file(tmp_path: Path) -> None:
    """Both files appear whole or not at all."""

    def broken():  # type: ignore[no-untyped-def]
        yield {"request_id": "a", "ts": "2026-01-05T00:00:00Z"}, []
        raise RatchetError("the world ended.")

    with pytest.raises(RatchetError, match="the world ended"):
        write_week_files(tmp_path, MONDAY, broken())
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    """With those that exist."""
    with pytest.raises(RatchetError, match=r"'csv' is not supported.*'jsonl' or 'parquet'"):
        WORLD.write_week(tmp_path, MONDAY, 5, suffix="csv")  # type: ignore[arg-type]
