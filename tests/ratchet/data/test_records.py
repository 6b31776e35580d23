"""The columns and keys of rows, their times, and the terms by which they are judged."""

from datetime import UTC, datetime, timedelta, timezone

import duckdb
import pytest

from ratchet.config.spec import Label, Spec
from ratchet.core.errors import UsageError
from ratchet.data.records import KINDS, Terms, check_mapping, differences_sql, kind_of, same_content_sql
from ratchet.storage.migrations import migrate

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "differences"),
    [
        ({}, ""),
        ({"extra": '\'{"status": "closed"}\''}, ""),
        ({"confidence": "0.5::FLOAT + 1e-8"}, ""),
        ({"confidence": "NULL::DOUBLE"}, ""),
        ({"ts": "TIMESTAMPTZ '2026-02-02T10:00:00.400Z'"}, ""),
        ({"text": "'hello' || chr(13)"}, ""),
        ({"text": "'other'"}, "text"),
        ({"label": "'b'", "latency_ms": "9.0"}, "label, latency_ms"),
        ({"ts": "TIMESTAMPTZ '2026-02-02T10:00:01Z'"}, "ts"),
    ],
)
def test_rows_contradict_each_other_only_where_it_matters(changes: dict[str, str], differences: str) -> None:
    """Each export has its own further columns and precision; a value that one of them lacks is no contradiction."""
    logs = KINDS["production_logs"]
    sound = {
        "request_id": "'r'", "ts": "TIMESTAMPTZ '2026-02-02T10:00:00Z'", "text": "'hello'", "label": "'a'",
        "confidence": "0.5", "adapter": "'d'", "latency_ms": "1.0", "extra": "'{\"status\": \"open\"}'",
    }  # fmt: skip
    one, other = (
        "SELECT " + ", ".join(f"{value} AS {name}" for name, value in row.items()) for row in (sound, sound | changes)
    )
    with duckdb.connect() as connection:
        found = connection.execute(
            f"SELECT {differences_sql(logs, 'x', 'y')}, {same_content_sql(logs, 'x', 'y')} FROM ({one}) x, ({other}) y"
        ).fetchone()
    assert found == (differences, differences == "")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (("'a'", "NULL"), ("'a'", "NULL"), True),
        (("'a'", "NULL"), ("NULL", "'withdrawn'"), False),
        (("NULL", "'none'"), ("NULL", "'cannot_tell'"), False),
        (("'a'", "NULL"), ("'a'", "NULL", "'random', 'b2', 3.5, 'a note'"), True),
        (("'a'", "NULL", "'value', 'b1', 9.0, 'another'"), ("'a'", "NULL", "'check', 'b2', 3.5, 'a note'"), True),
    ],
)
def test_a_label_and_an_answer_in_its_place_contradict_each_other(
    one: tuple[str, ...], other: tuple[str, ...], same: bool
) -> None:
    """A withdrawal of the same instant is no duplicate of the label; what the queue wrote beside it never matters."""
    rest = "TIMESTAMPTZ '2026-02-02T10:00:00Z' AS ts, 'r' AS request_id, 'ann' AS annotator, true AS saw_prediction"
    rows = [
        f"SELECT {rest}, label::VARCHAR AS label, answer::VARCHAR AS answer, chosen::VARCHAR AS chosen, batch, seconds,"
        f" note FROM (VALUES ({label}, {answer}, {beside[0] if beside else 'NULL, NULL, NULL, NULL'}))"
        " v(label, answer, chosen, batch, seconds, note)"
        for label, answer, *beside in (one, other)
    ]
    sql = f"SELECT {same_content_sql(KINDS['corrections'], 'x', 'y')} FROM ({rows[0]}) x, ({rows[1]}) y"
    with duckdb.connect() as connection:
        assert connection.execute(sql).fetchone() == (same,)


def test_the_columns_are_those_of_the_warehouse() -> None:
    """What is documented of a kind is what its table holds, with the same types; a later column stands last."""
    with duckdb.connect() as connection:
        migrate(connection)
        for kind in KINDS.values():
            found = connection.execute(f"DESCRIBE {kind.name}").fetchall()
            types = [(row[0], row[1].replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ")) for row in found]
            ours = [(column.name, column.sql) for column in kind.columns]
            place = [("arrived", "BIGINT")] if kind.name == "corrections" else []
            assert sorted(types) == sorted(
                [("classifier", "VARCHAR"), *ours, ("extra", "VARCHAR"), ("week", "DATE"), *place]
            )
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
    check_mapping(kind_of("corrections"), {"label": "Chosen", "annotator": "batch"})
