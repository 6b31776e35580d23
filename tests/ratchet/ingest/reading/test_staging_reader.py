"""However a file must be read, each row keeps the line it had."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from ratchet.data.records import KINDS, Terms
from ratchet.ingest.reading.salvage import fingerprint
from ratchet.ingest.reading.sources import Columns
from ratchet.ingest.reading.staging_reader import StagingReader
from ratchet.storage.row_files.formats import UnreadableError
from ratchet.storage.row_files.opening import open_rows

TERMS = Terms(("a",), 50, datetime(2026, 3, 1, tzinfo=UTC))


def fill(connection: duckdb.DuckDBPyConnection, path: Path, scratch: Path) -> None:
    """Read the file into `stage` and `bad`."""
    connection.execute("SET TimeZone = 'UTC'")
    StagingReader(connection, KINDS["production_logs"], Columns(), TERMS, segment=False).read(
        open_rows(path, path.suffix, scratch), fingerprint(path), scratch
    )


def record(name: str) -> bytes:
    """A sound CSV record."""
    return f"{name},2026-02-02T10:00:00Z,hello,a".encode()


@pytest.mark.parametrize(
    "lines",
    [
        [b"too,few", record("r3"), record("r4")],
        [record("r2"), b"too,few", b"to,o,ma,n,y", record("r5"), b"too,few", record("r7")],
        [record("r2"), b"\xff,x,y,z", record("r4"), b"too,few", b"\xfe", b"too,few", record("r8"), b"\xff"],
        [b"\xff", b"\xff", record("r4"), record("r5")],
        [record("r2"), b'r3,2026-02-02T10:00:00Z,"a', b'b",a', b"too,few", record("r6")],
        [record("r2"), b"", record("r4"), b"", b"too,few", record("r7")],
    ],
)
def test_csv_records_are_numbered_past_those_left_out(tmp_path: Path, lines: list[bytes]) -> None:
    """Ragged records, bad bytes, blank lines and line breaks in texts: a record named r<n> begins in line n, and the
    others are reported at theirs."""
    path = tmp_path / "in.csv"
    path.write_bytes(b"\n".join([b"request_id,ts,text,label", *lines]))
    with duckdb.connect() as connection:
        fill(connection, path, tmp_path)
        found = connection.execute("SELECT request_id, coalesce(line, rowid + 2) FROM stage").fetchall()
        bad = [line for (line,) in connection.execute("SELECT line FROM bad ORDER BY line").fetchall()]
    assert found == [(f"r{line}", line) for _, line in found]
    held = {line for line, text in enumerate(lines, start=2) if text and not text.startswith(b'b"')}
    assert {line for _, line in found} | set(bad) == held
    assert len(found) + len(bad) == len(held)


def test_rows_that_are_sound_carry_no_text_along(tmp_path: Path) -> None:
    """Only a refused row keeps its line; a blank line is neither."""
    path = tmp_path / "in.jsonl"
    path.write_text(
        '{"request_id": "r", "ts": "2026-02-02T10:00:00Z", "text": "hello", "label": "a"}\n\n{"request_id": "r"\n'
    )
    with duckdb.connect() as connection:
        fill(connection, path, tmp_path)
        assert connection.execute("SELECT rowid + 1, reason, raw FROM stage").fetchall() == [
            (1, None, None), (2, "", None), (3, "broken JSON", '{"request_id": "r"'),
        ]  # fmt: skip


def test_a_full_disk_is_not_called_a_bad_file(tmp_path: Path) -> None:
    """An empty file is the file's fault; running out of space is not, and is raised as it is."""
    (tmp_path / "in.csv").write_bytes(b"")
    with duckdb.connect() as connection, pytest.raises(UnreadableError, match="empty"):
        fill(connection, tmp_path / "in.csv", tmp_path)
