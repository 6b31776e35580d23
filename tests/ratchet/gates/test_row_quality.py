"""Great Expectations finds each planted fault of a whole table, and a check that crashes accuses no data."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ratchet.config.policy import Limits
from ratchet.config.spec import Label, Spec
from ratchet.core.cycle import Cycle
from ratchet.gates.row_quality import (
    CORRECTIONS_SQL,
    LOGS_SQL,
    decide_row_quality,
    expect_corrections,
    expect_logs,
    validate,
)
from ratchet.ingest.rebuild import open_warehouse
from ratchet.storage.home import Home

CYCLE = Cycle("tickets", date(2026, 2, 23))
SPEC = Spec("tickets", (Label("a"), Label("b")), max_text_chars=50)
START = CYCLE.start.timestamp()


def logs(**columns: Any) -> pd.DataFrame:
    """Ten good rows of `LOGS_SQL`, some columns replaced."""
    good = {
        "request_id": [f"r{i}" for i in range(10)], "ts": [START + 60.0 * i for i in range(10)], "text": ["words"] * 10,
        "chars": [5] * 10, "label": ["a", "b"] * 5, "confidence": [0.5] * 10, "week": [START] * 10, "path": [""] * 10,
    }  # fmt: skip
    return pd.DataFrame({**good, **columns})


def corrections(**columns: Any) -> pd.DataFrame:
    """Four good rows of `CORRECTIONS_SQL`, some columns replaced."""
    good = {
        "key": ["1", "2", "3", "4"], "request_id": ["r1", "r1", "r2", "r3"], "label": ["a", "b", "a", "a"],
        "annotator": ["ann", "bob", "ann", "ann"], "saw_prediction": [True, False, False, False],
    }  # fmt: skip
    return pd.DataFrame({**good, **columns})


LOGS: dict[str, tuple[pd.DataFrame, set[tuple[str, str]]]] = {
    "good": (logs(), set()),
    "no_confidence_in_a_fifth": (logs(confidence=[None, None] + [0.5] * 8), set()),
    "no_confidence_in_more": (
        logs(confidence=[None] * 3 + [0.5] * 7),
        {("confidence", "expect_column_values_to_not_be_null")},
    ),
    "none_at_the_edge_and_a_fifth_beside": (
        logs(confidence=[None] * 6 + [0.5] * 4, path=["edge"] * 5 + [""] * 5),
        set(),
    ),
    "none_at_the_edge_and_more_beside": (
        logs(confidence=[None] * 7 + [0.5] * 3, path=["edge"] * 5 + ["calibrated"] * 5),
        {("confidence", "expect_column_values_to_not_be_null")},
    ),
    "no_rows": (logs().iloc[:0].astype({"text": "str"}), {("", "expect_table_row_count_to_be_between")}),
    "a_request_twice": (
        logs(request_id=["r0"] * 2 + [f"r{i}" for i in range(8)]),
        {("request_id", "expect_column_values_to_be_unique")},
    ),
    "no_text": (logs(text=[None] + ["words"] * 9), {("text", "expect_column_values_to_not_be_null")}),
    "text_of_numbers": (logs(text=[1] * 10), {("text", "expect_column_values_to_be_of_type")}),
    "an_empty_text": (logs(chars=[0] + [5] * 9), {("chars", "expect_column_values_to_be_between")}),
    "a_text_over_the_limit": (logs(chars=[51] + [50] * 9), {("chars", "expect_column_values_to_be_between")}),
    "a_label_outside": (logs(label=["z"] + ["a"] * 9), {("label", "expect_column_values_to_be_in_set")}),
    "a_confidence_outside": (
        logs(confidence=[1.01] + [1.0] * 9),
        {("confidence", "expect_column_values_to_be_between")},
    ),
    "before_the_week": (logs(ts=[START - 1] + [START] * 9), {("ts", "expect_column_values_to_be_between")}),
    "at_the_end_of_the_week": (
        logs(ts=[CYCLE.end.timestamp()] + [START] * 9),
        {("ts", "expect_column_values_to_be_between")},
    ),
}
CORRECTIONS: dict[str, tuple[pd.DataFrame, set[tuple[str, str]]]] = {
    "good_corrections": (corrections(), set()),
    "no_corrections": (corrections().iloc[:0], {("", "expect_table_row_count_to_be_between")}),
    "a_correction_twice": (corrections(key=["1", "1", "3", "4"]), {("key", "expect_column_values_to_be_unique")}),
    "a_corrected_label_outside": (
        corrections(label=["z", "b", "a", "a"]),
        {("label", "expect_column_values_to_be_in_set")},
    ),
    "no_annotator": (
        corrections(annotator=[None, "b", "a", "a"]),
        {("annotator", "expect_column_values_to_not_be_null")},
    ),
    "unknown_whether_seen": (
        corrections(saw_prediction=[None, True, True, True]),
        {("saw_prediction", "expect_column_values_to_not_be_null")},
    ),
}


@pytest.fixture(scope="module")
def validated() -> list[dict[str, Any]]:
    """Every planted table, validated in one run."""
    tables = {name: (frame, expect_logs(CYCLE, SPEC, frame)) for name, (frame, _) in LOGS.items()}
    return validate(
        {**tables, **{name: (frame, expect_corrections(SPEC.labels)) for name, (frame, _) in CORRECTIONS.items()}}
    )


@pytest.mark.parametrize("case", [*LOGS, *CORRECTIONS])
def test_each_broken_expectation_is_found_and_no_other(validated: list[dict[str, Any]], case: str) -> None:
    """And the verdict names table, column, expectation and what was found."""
    rows = [row for row in validated if row["table"] == case]
    expected = {**LOGS, **CORRECTIONS}[case][1]
    assert {(row["column"], row["expectation"]) for row in rows if not row["success"]} == expected
    verdict = decide_row_quality(rows)
    assert verdict.outcome == ("failed" if expected else "passed")
    assert json.dumps(verdict.evidence, allow_nan=False)
    for column, expectation in expected:
        assert f"{case}.{column or 'rows'} {expectation}" in verdict.reason
    lacking = ("confidence", "expect_column_values_to_not_be_null") in expected
    assert ("limits.max_null_share = 0.2 of classifier.toml" in verdict.reason) == lacking


def test_rows_without_a_confidence_pass_where_the_limit_says_so() -> None:
    """The cure that the verdict names cures."""
    lax, frame = replace(SPEC, limits=Limits(max_null_share=1.0)), logs(confidence=[None] * 9 + [0.5])
    assert decide_row_quality(validate({"logs": (frame, expect_logs(CYCLE, lax, frame))})).outcome == "passed"


def test_an_expectation_that_crashes_is_an_error_and_not_bad_data() -> None:
    """The mutant lacks the column that is asked about."""
    with pytest.raises(RuntimeError, match=r"on corrections.\w+ crashed"):
        validate({"corrections": (corrections().drop(columns="annotator"), expect_corrections(SPEC.labels))})


def test_rows_straight_from_the_warehouse_pass(tmp_path: Path) -> None:
    """The types that DuckDB gives, with texts of two-byte letters, and no confidence where the edge answered."""
    warehouse = open_warehouse(Home(tmp_path), "tickets")
    at = datetime(2026, 2, 24, tzinfo=UTC)
    with warehouse.connect() as connection:
        for i in range(10):
            connection.execute(
                "INSERT INTO production_logs VALUES ('tickets', ?, ?, ?, 'a', ?, NULL, NULL, ?, ?)",
                [
                    f"r{i}",
                    at,
                    "ü" * 50,
                    None if i < 6 else 1.0,
                    '{"path":"edge","runtime":"onnx"}' if i < 5 else None,
                    CYCLE.week,
                ],
            )
            connection.execute(
                "INSERT INTO votes (classifier, week, request_id, annotator, ts, label, saw_prediction)"
                " VALUES ('tickets', ?, ?, 'ann', ?, 'b', false)",
                [CYCLE.week, f"r{i}", at],
            )
    week = {"classifier": "tickets", "week": CYCLE.week}
    rows = validate(
        {
            "production_logs": (logs := warehouse.frame(LOGS_SQL, week), expect_logs(CYCLE, SPEC, logs)),
            "corrections": (warehouse.frame(CORRECTIONS_SQL, week), expect_corrections(SPEC.labels)),
        }
    )
    assert decide_row_quality(rows).reason == f"Passes: all {len(rows)} expectations hold."
