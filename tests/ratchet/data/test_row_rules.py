"""The rules that reject a row hold as SQL, one row at a time and a vector at a time."""

from datetime import UTC, datetime

import duckdb
import pytest

from ratchet.data.records import KINDS, Terms
from ratchet.data.row_rules import fault_sql, reason_sql

TERMS = Terms(("a", "it's"), 20, datetime(2026, 3, 1, tzinfo=UTC))
SOUND = {
    "request_id": "'r'", "ts": "TIMESTAMPTZ '2026-02-02T10:00:00Z'", "text": "'hello'", "label": "'a'",
    "confidence": "0.5::DOUBLE", "adapter": "NULL::VARCHAR", "latency_ms": "NULL::DOUBLE",
}  # fmt: skip


def reason(**changes: str) -> str | None:
    """The reason to refuse a log whose columns have these SQL values; `<name>_seen`, `ts_given` and `broken` may be
    given too."""
    return ask(reason_sql(KINDS["production_logs"], TERMS), **changes)


def ask(sql: str, **changes: str) -> str | None:
    """What `sql` says of a log with these changes."""
    logs = KINDS["production_logs"]
    values = {"broken": "NULL::VARCHAR", **SOUND}
    values |= {f"{name}_seen": f"({values[name]}) IS NOT NULL" for name in logs.names}
    values |= {f"{name}_given": "'as written'" for name in logs.names}
    values |= changes
    columns = ", ".join(f"{value} AS {name}" for name, value in values.items())
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        row = connection.execute(f"SELECT {sql} FROM (SELECT {columns})").fetchone()
    assert row is not None
    return None if row[0] is None else str(row[0])


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"label": "'it''s'"},
        {"confidence": "0"},
        {"confidence": "1"},
        {"confidence": "NULL", "confidence_seen": "false"},
        {"ts": "TIMESTAMPTZ '2026-03-01T00:00:00Z'"},
        {"text": "repeat('é', 20)"},
        {"text": "'🙂'"},
        {"request_id": "repeat('x', 200)"},
        {"adapter": "'d'", "adapter_seen": "true"},
        {"latency_ms": "0", "latency_ms_seen": "true"},
    ],
)
def test_sound_rows_have_no_reason_up_to_the_very_bounds(changes: dict[str, str]) -> None:
    """Bounds are inclusive; optional columns may be null; text is counted in characters."""
    assert reason(**changes) is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"broken": "'broken JSON'", "request_id_seen": "false"}, "broken JSON"),
        ({"request_id": "NULL", "request_id_seen": "false", "text": "''"}, "request_id is missing"),
        ({"ts": "NULL", "ts_seen": "true", "ts_given": "'2026-02-02 10:00'"}, "ts has no time zone"),
        ({"ts": "NULL", "ts_seen": "true", "ts_given": "'soon'"}, "ts is not an RFC 3339 time"),
        ({"text": "'\u3000\u200b'"}, "text is empty"),
        ({"text": "repeat('é', 21)"}, "text is longer than 20 characters"),
        ({"text": "'a' || chr(0)"}, "text holds a NUL character"),
        ({"label": "'A'"}, "label is not in classifier.toml"),
        ({"label": "NULL", "label_seen": "true"}, "label is neither text nor an integer"),
    ],
)
def test_the_first_reason_of_a_bad_row_is_given(changes: dict[str, str], expected: str) -> None:
    """What the reader found comes first, then what is missing, then values."""
    assert reason(**changes) == expected


@pytest.mark.parametrize(
    ("column", "changes", "expected"),
    [
        ("confidence", {}, None),
        ("confidence", {"confidence": "NULL", "confidence_seen": "false"}, None),
        ("confidence", {"confidence": "NULL", "confidence_seen": "true"}, "confidence is not a number"),
        ("confidence", {"confidence": "'nan'::DOUBLE"}, "confidence is not a number"),
        ("confidence", {"confidence": "-1e-9"}, "confidence is outside 0..1"),
        ("adapter", {"adapter": "'a' || chr(10)", "adapter_seen": "true"}, "adapter holds control characters"),
        (
            "latency_ms",
            {"latency_ms": "'inf'::DOUBLE", "latency_ms_seen": "true"},
            "latency_ms is negative or not finite",
        ),
    ],
)
def test_a_value_that_a_row_may_lack_never_costs_the_row(
    column: str, changes: dict[str, str], expected: str | None
) -> None:
    """The value goes, for a reason that is counted."""
    found = next(each for each in KINDS["production_logs"].columns if each.name == column)
    assert ask(fault_sql(found, TERMS), **changes) == expected
    assert reason(**changes) is None
