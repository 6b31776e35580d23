"""The columns and keys of rows, their times, and the terms by which they are judged."""

from datetime import UTC, datetime, timedelta, timezone

import duckdb
import pytest

from ratchet.config.spec import Label, Spec
from ratchet.core.errors import UsageError
from ratchet.data.records import KINDS, Terms, check_mapping, kind_of, same_content_sql, zoned_time_sql
from ratchet.storage.migrations import migrate

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "sound"),
    [
        ("2026-02-02T10:00:00Z", True),
        ("2026-02-02T10:00:00.123456789+05:30", True),
        ("2026-02-02 10:00Z", True),
        ("2026-02-02T10:00:00", False),
        ("2026-02-02", False),
        ("20260202T100000Z", False),
        ("2026-02-02T10:00:00 Europe/Berlin", False),
        ("2026-13-02T10:00:00Z", False),
        ("2026-02-02T25:00:00Z", False),
        ("infinity", False),
        ("epoch", False),
        ("", False),
    ],
)
def test_only_whole_times_with_a_zone_are_instants(text: str, sound: bool) -> None:
    """RFC 3339, with a space for the T allowed; nothing is guessed from the machine's zone."""
    with duckdb.connect() as connection:
        row = connection.execute(f"SELECT {zoned_time_sql('t')} IS NOT NULL FROM (SELECT ? AS t)", [text]).fetchone()
    assert row == (sound,)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (None, None, True),
        ('{"a":1,"b":"x"}', '{"b":"x","a":1}', True),
        ('{"a":null}', None, True),
        ('{"a":1}', '{"a":"1"}', True),
        ('{"a":1}', '{"a":2}', False),
        ('{"a":1}', None, False),
        ('{"a":{"b":1}}', '{"a":{"b":2}}', False),
    ],
)
def test_rows_say_the_same_whatever_the_order_of_their_extra_keys(
    one: str | None, other: str | None, same: bool
) -> None:
    """CSV knows no numbers and Parquet no absent values: both are the same as in JSON."""
    logs = KINDS["production_logs"]
    row = "SELECT " + ", ".join(f"'x' AS {name}" for name in logs.names) + ", ?::VARCHAR AS extra"
    with duckdb.connect() as connection:
        found = connection.execute(
            f"SELECT {same_content_sql(logs, 'x', 'y')} FROM ({row}) x, ({row}) y", [one, other]
        ).fetchone()
    assert found == (same,)


def test_the_columns_are_those_of_the_warehouse() -> None:
    """What is documented of a kind is what its table holds, in that order, with the same types."""
    with duckdb.connect() as connection:
        migrate(connection)
        for kind in KINDS.values():
            found = connection.execute(f"DESCRIBE {kind.name}").fetchall()
            types = [(row[0], row[1].replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ")) for row in found]
            ours = [(column.name, column.sql) for column in kind.columns]
            place = [("arrived", "BIGINT")] if kind.name == "corrections" else []
            assert types == [("classifier", "VARCHAR"), *ours, ("extra", "VARCHAR"), ("week", "DATE"), *place]
            assert all(column.meaning for column in kind.columns)
            assert set(kind.key) < set(kind.names)


def test_terms_hold_the_instant_in_utc() -> None:
    """Whatever zone the clock is in, the recorded instant is the same."""
    spec = Spec("tickets", (Label("a"), Label("b")), max_text_chars=7)
    there = datetime(2026, 3, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert Terms.of(spec, there) == Terms(("a", "b"), 7, NOW)
    assert Terms.of(spec).now.tzinfo is UTC


def test_unknown_kinds_and_columns_are_refused_with_those_known() -> None:
    """The sentence holds the word and how to fix it."""
    with pytest.raises(UsageError, match="unknown kind of rows 'logs'"):
        kind_of("logs")
    with pytest.raises(UsageError, match="has no column 'txt'") as error:
        check_mapping(kind_of("production_logs"), {"txt": "body"})
    assert "'text'" in error.value.hint
    with pytest.raises(UsageError, match=r"(?i)'label' would be both 'text' and 'label'"):
        check_mapping(kind_of("production_logs"), {"text": "Label"})
    check_mapping(kind_of("production_logs"), {"text": "label", "label": "text"})
