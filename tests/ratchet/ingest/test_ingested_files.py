"""A file is marked once, with the sums of all its loads."""

from dataclasses import replace

import duckdb

from ratchet.ingest.ingested_files import IngestedFiles
from ratchet.ingest.manifest import ManifestEntry
from ratchet.ingest.result import IngestResult
from ratchet.storage.migrations import migrate

FILE = ManifestEntry(1, "corrections", "a.jsonl", "1" * 64, 10, 0, ("refund",), 100, "2026-01-05T00:00:00+00:00")


def test_a_second_load_adds_to_the_first_and_ends_the_waiting() -> None:
    """Accepted rows add up, its own rows are no duplicates, and an earlier version is not tried again."""
    connection = duckdb.connect()
    migrate(connection)
    files = IngestedFiles(connection, "tickets")
    older = replace(FILE, sha256="0" * 64)
    files.mark(older, IngestResult("corrections", "a.jsonl", 1, 1, 2), retry=True)
    assert files.waiting() == [("a.jsonl", older.sha256)]
    files.mark(FILE, IngestResult("corrections", "a.jsonl", 3, 1, 2), retry=True)
    assert files.waiting() == [("a.jsonl", FILE.sha256)]
    files.mark(FILE, IngestResult("corrections", "a.jsonl", 2, 4, 0), retry=False)
    assert files.waiting() == []
    assert files.done("corrections") == {("a.jsonl", older.sha256), ("a.jsonl", FILE.sha256)}
    assert files.done("production_logs") == set()
    sql = "SELECT accepted, duplicate, rejected FROM ingested_files WHERE sha256 = ?"
    assert connection.execute(sql, [FILE.sha256]).fetchall() == [(5, 1, 0)]
