"""The schema only ever grows, step by step; a newer one is refused."""

import duckdb
import pytest

from ratchet.core.errors import RatchetError
from ratchet.storage.migrations import MIGRATIONS, migrate


def version(connection: duckdb.DuckDBPyConnection) -> int:
    """The schema version recorded in the file."""
    row = connection.execute("SELECT max(version) FROM schema_version").fetchone()
    assert row is not None
    return int(row[0])


def test_a_new_file_gets_every_table_and_a_second_time_changes_nothing() -> None:
    """Migrating is idempotent."""
    with duckdb.connect() as connection:
        for _ in range(2):
            migrate(connection)
        tables = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        assert version(connection) == len(MIGRATIONS)
    assert tables == {
        "schema_version", "production_logs", "corrections", "ingested_files", "votes", "labels", "examples", "dropped",
        "predictions", "people", "waiting", "left_out", "refused", "nulled", "boilerplate",
        "suspended", "labelled_examples", "label_images", "text_sketches",
    }  # fmt: skip


def test_an_older_file_is_brought_forward_with_its_rows() -> None:
    """Only the missing migrations run."""
    with duckdb.connect() as connection:
        migrate(connection)
        connection.execute("INSERT INTO dropped VALUES ('c', DATE '2026-02-02', 'r', NULL, 'pii', NULL)")
        migrate(connection, (*MIGRATIONS, "ALTER TABLE dropped ADD COLUMN origin VARCHAR"))
        assert version(connection) == len(MIGRATIONS) + 1
        assert connection.execute("SELECT reason, origin FROM dropped").fetchall() == [("pii", None)]


def test_labels_of_before_get_their_one_form() -> None:
    """Logs and corrections were taken in the form of their file; answers without a label stay so."""
    with duckdb.connect() as connection:
        migrate(connection, MIGRATIONS[:6])
        log = "INSERT INTO production_logs (classifier, request_id, ts, text, label, week)"
        connection.execute(f"{log} VALUES ('c', 'r', now(), 'x', ?, DATE '2026-02-02')", ["u\u0308"])
        vote = "INSERT INTO corrections (classifier, request_id, ts, label, annotator, saw_prediction, week)"
        for label in ("u\u0308", "plain", None):
            connection.execute(f"{vote} VALUES ('c', 'r', now(), ?, 'ann', false, DATE '2026-02-02')", [label])
        migrate(connection)
        assert connection.execute("SELECT label FROM production_logs").fetchall() == [("\u00fc",)]
        assert connection.execute("SELECT label FROM attributed_corrections").fetchall() == [
            ("\u00fc",), ("plain",), (None,)
        ]  # fmt: skip


def test_checks_of_annotators_are_among_no_votes() -> None:
    """A correction of before has no record of a choice; what the queue chose is kept; a check counts nowhere."""
    with duckdb.connect() as connection:
        migrate(connection, MIGRATIONS[:7])
        vote = "INSERT INTO corrections (classifier, request_id, ts, label, annotator, saw_prediction, week"
        connection.execute(f"{vote}) VALUES ('c', 'old', now(), 'x', 'ann', false, DATE '2026-02-02')")
        migrate(connection)
        for chosen in ("random", "value", "check"):
            connection.execute(
                f"{vote}, chosen) VALUES ('c', ?, now(), 'x', 'ann', false, DATE '2026-02-02', ?)", [chosen, chosen]
            )
        rows = connection.execute("SELECT request_id, chosen FROM attributed_corrections ORDER BY ALL").fetchall()
        assert rows == [("old", None), ("random", "random"), ("value", "value")]
        assert connection.execute("SELECT count(*) FROM corrections").fetchall() == [(4,)]


def test_a_migration_that_fails_leaves_the_schema_before_it() -> None:
    """Half a migration is none."""
    with duckdb.connect() as connection:
        migrate(connection)
        with pytest.raises(duckdb.CatalogException):
            migrate(connection, (*MIGRATIONS, "CREATE TABLE fresh (a INT); DROP TABLE absent"))
        assert version(connection) == len(MIGRATIONS)
        migrate(connection, (*MIGRATIONS, "CREATE TABLE fresh (a INT)"))


def test_a_file_of_a_newer_version_is_refused_with_the_cure() -> None:
    """An older program never writes into a newer file."""
    with duckdb.connect() as connection:
        migrate(connection)
        connection.execute("INSERT INTO schema_version VALUES (99)")
        with pytest.raises(RatchetError, match="schema 99, but this version knows only up to") as error:
            migrate(connection)
    assert "Install the version that wrote it" in error.value.hint
