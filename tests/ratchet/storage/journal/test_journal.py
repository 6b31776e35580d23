"""What was acknowledged is on disk, whatever happens next; segments hold each row."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import wait
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from ratchet.storage.journal.journal import Journal
from ratchet.storage.journal.segments import RowSchema, count_damaged, left_behind, place_of, read_journal

ROWS = RowSchema(
    "visits",
    {"request_id": "VARCHAR", "ts": "TIMESTAMPTZ", "text": "VARCHAR", "confidence": "DOUBLE", "seen": "BOOLEAN"},
)

WRITER = """
import sys
from pathlib import Path
from ratchet.storage.journal.journal import Journal
from ratchet.storage.journal.segments import RowSchema
root, first, count, mutant = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), len(sys.argv) > 4
rows = RowSchema("visits", {"request_id": "VARCHAR", "ts": "TIMESTAMPTZ", "text": "VARCHAR", "confidence": "DOUBLE",
    "seen": "BOOLEAN"})
journal = Journal(root / "journal", root / "landing", rows, seal_rows=7)
for n in range(first, first + count):
    if mutant:
        print(n, flush=True)
    done = journal.append({"request_id": f"r{n}", "ts": "2026-01-05T10:00:00+00:00", "text": "x", "confidence": 0.5,
        "seen": None})
    if not mutant:
        done.result()
        print(n, flush=True)
journal.close()
"""


def row(number: int, text: str = "hello") -> dict[str, Any]:
    """A visit."""
    moment = f"2026-01-05T10:{number // 60 % 60:02d}:{number % 60:02d}+00:00"
    return {"request_id": f"r{number}", "ts": moment, "text": text, "confidence": 0.25, "seen": number % 2 == 0}


def stored(root: Path) -> list[str]:
    """The request ids in the segments and in journals that are not sealed yet, in any order."""
    sealed = [
        found
        for path in (root / "landing").glob("gateway-*.parquet")
        for found in pq.read_table(path)["request_id"].to_pylist()
    ]
    return sealed + [found["request_id"] for path in left_behind(root / "journal") for found in read_journal(path)[0]]


def empty(folder: Path) -> bool:
    """True where the journals hold nothing: the last one stays for its number."""
    return all(path.stat().st_size == 0 for path in left_behind(folder))


def test_rows_become_segments_with_their_types(tmp_path: Path) -> None:
    """Every row once, in the types of its kind; what is left of the journal when it is closed is empty."""
    journal = Journal(tmp_path / "journal", tmp_path / "landing", ROWS, seal_rows=4)
    for n in range(10):
        journal.append(row(n, "a\u2028b\nc")).result(timeout=10)
    journal.close()
    assert sorted(stored(tmp_path)) == sorted(f"r{n}" for n in range(10))
    assert empty(tmp_path / "journal")
    tables = [pq.read_table(path) for path in (tmp_path / "landing").glob("*.parquet")]
    assert len(tables) == 3
    assert {str(field.type) for field in tables[0].schema} == {"string", "timestamp[us, tz=UTC]", "double", "bool"}
    assert {text for table in tables for text in table["text"].to_pylist()} == {"a\u2028b\nc"}


def test_many_writers_share_one_sync(tmp_path: Path) -> None:
    """Rows that wait together are answered together, and all are there."""
    journal = Journal(tmp_path / "journal", tmp_path / "landing", ROWS)
    assert not wait([journal.append(row(n)) for n in range(2000)], timeout=30).not_done
    assert len(stored(tmp_path)) == 2000
    journal.close()
    assert len(stored(tmp_path)) == 2000


def test_a_row_of_other_columns_is_a_fault_of_the_program(tmp_path: Path) -> None:
    """It is told at once, and nothing is written."""
    journal = Journal(tmp_path / "journal", tmp_path / "landing", ROWS)
    with pytest.raises(ValueError, match="other columns: \\['colour'\\]"):
        journal.append({**row(1), "colour": "red"})
    journal.close()
    assert stored(tmp_path) == []


def survives(root: Path, environment: dict[str, str], *mutant: str) -> bool:
    """The assertion of F01: after kill -9 every acknowledged row is there, and after the next start each is there
    once."""
    command = [sys.executable, "-c", WRITER, str(root)]
    killed = subprocess.run(
        [*command, "0", "30", *mutant], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    acknowledged = {f"r{n}" for n in killed.stdout.split()}
    if not acknowledged <= set(stored(root)):
        return False
    again = subprocess.run([*command, "100", "3"], capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    found = stored(root)
    return acknowledged | {"r100", "r101", "r102"} <= set(found) and empty(root / "journal")


@pytest.mark.parametrize("name", ["before_write", "before_sync", "before_answer", "after_segment"])
def test_no_acknowledged_row_is_lost_by_kill_9(tmp_path: Path, name: str) -> None:
    """F01, at each line where it could matter."""
    assert survives(tmp_path, {"RATCHET_FAILPOINT": f"journal.{name}:kill"})


def test_a_writer_that_answers_before_it_wrote_is_noticed(tmp_path: Path) -> None:
    """F01's mutant acknowledges at once."""
    assert not survives(tmp_path, {"RATCHET_FAILPOINT": "journal.before_write:kill"}, "mutant")


def test_a_journal_sealed_twice_gives_one_segment(tmp_path: Path) -> None:
    """Killed between the segment and the removal of its journal: the next start writes the same file again."""
    killed = subprocess.run(
        [sys.executable, "-c", WRITER, str(tmp_path), "0", "7"],
        env={**os.environ, "RATCHET_FAILPOINT": "journal.after_segment:kill"}, capture_output=True, check=False,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL
    before = sorted((tmp_path / "landing").glob("*.parquet"))
    assert len(before) == 1
    Journal(tmp_path / "journal", tmp_path / "landing", ROWS).close()
    assert sorted((tmp_path / "landing").glob("*.parquet")) == before


@pytest.mark.parametrize(
    ("damage", "whole", "damaged", "torn"),
    [
        (lambda content: content[:-1], 4, 0, 1),
        (lambda content: content[:-20], 4, 0, 1),
        (lambda content: content + b"0000", 5, 0, 1),
        (lambda content: content + b"00000000 {}\n", 5, 0, 1),
        (lambda content: content + b"\0" * 4096, 5, 0, 0),
        (lambda content: content.replace(b'"r2"', b'"r9"'), 4, 1, 0),
        (lambda content: content.replace(b'"r4"', b'"r9"'), 4, 0, 1),
        (lambda content: content.replace(b'"r0"', b'"r9"').replace(b'"r1"', b'"r9"'), 3, 2, 0),
        (lambda content: b"", 0, 0, 0),
    ],
)
def test_a_torn_tail_is_cut_and_damage_is_counted(
    tmp_path: Path, damage: Callable[[bytes], bytes], whole: int, damaged: int, torn: int
) -> None:
    """After a crash: damage before an intact row was acknowledged; of the end nobody knows. Both are kept, counted."""
    journal = Journal(tmp_path / "journal", tmp_path / "landing", ROWS)
    for n in range(5):
        journal.append(row(n)).result(timeout=10)
    *_, path = left_behind(tmp_path / "journal")
    content = path.read_bytes()
    journal.close()
    path.write_bytes(damage(content))
    for segment in (tmp_path / "landing").iterdir():
        segment.unlink()
    again = Journal(tmp_path / "journal", tmp_path / "landing", ROWS)
    again.close()
    assert (len(stored(tmp_path)), again.damaged) == (whole, damaged)
    assert count_damaged(tmp_path / "journal") == (damaged, torn)
    assert len(list((tmp_path / "journal").glob("*.damaged"))) == bool(damaged or torn)


@pytest.mark.parametrize("number", range(5))
def test_every_damaged_row_of_a_running_journal_is_counted(tmp_path: Path, number: int) -> None:
    """The process that acknowledged a row knows so: its last row is no torn write."""
    journal = Journal(tmp_path / "journal", tmp_path / "landing", ROWS)
    for n in range(5):
        journal.append(row(n)).result(timeout=10)
    (path,) = left_behind(tmp_path / "journal")
    path.write_bytes(path.read_bytes().replace(f'"r{number}"'.encode(), b'"r9"'))
    journal.close()
    assert sorted(stored(tmp_path)) == [f"r{n}" for n in range(5) if n != number]
    assert count_damaged(tmp_path / "journal") == (1, 0)


def test_a_kept_journal_of_before_counts_at_least_once(tmp_path: Path) -> None:
    """Its name has no figures."""
    (tmp_path / "000000000003-0123456789ab.damaged").write_bytes(b"x")
    assert count_damaged(tmp_path) == (1, 0)


def test_journals_have_growing_numbers_through_restarts_and_kills(tmp_path: Path) -> None:
    """The segment of a later row has a later place, whatever its digest and its time are."""
    for n in range(4):
        journal = Journal(tmp_path / "journal", tmp_path / "landing", ROWS)
        journal.append({**row(9 - n), "request_id": f"r{n}"}).result(timeout=10)
        journal.close()
    killed = {**os.environ, "RATCHET_FAILPOINT": "journal.after_segment:kill"}
    subprocess.run(
        [sys.executable, "-c", WRITER, str(tmp_path), "50", "7"], env=killed, capture_output=True, check=False
    )
    subprocess.run([sys.executable, "-c", WRITER, str(tmp_path), "60", "1"], capture_output=True, check=True)
    segments = sorted((tmp_path / "landing").glob("gateway-*.parquet"), key=place_of)
    ids = [name for path in segments for name in pq.read_table(path)["request_id"].to_pylist()]
    assert ids == [*(f"r{n}" for n in range(4)), *(f"r{n}" for n in range(50, 57)), "r60"]
    assert len({place_of(path) for path in segments}) == len(segments)


def test_a_full_disk_is_told_and_nothing_half_written_stays(tmp_path: Path) -> None:
    """Rows that do not fit fail with the disk's own error; those before and those after are whole."""
    journal = Journal(tmp_path / "journal", tmp_path / "landing", ROWS)
    journal.append(row(0)).result(timeout=10)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (600, hard))
        with pytest.raises(OSError, match="File too large"):
            journal.append(row(1, "long " * 500)).result(timeout=10)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    journal.append(row(2)).result(timeout=10)
    journal.close()
    assert sorted(stored(tmp_path)) == ["r0", "r2"]


def test_half_a_segment_of_a_killed_process_is_swept_away(tmp_path: Path) -> None:
    """By the next start, and nothing else in the landing folder is."""
    (tmp_path / "landing").mkdir()
    for name in (".gateway-0123456789ab.parquet.7-7.tmp", ".mine"):
        (tmp_path / "landing" / name).write_bytes(b"PAR1 half")
    Journal(tmp_path / "journal", tmp_path / "landing", ROWS).close()
    assert [path.name for path in (tmp_path / "landing").iterdir()] == [".mine"]


def test_of_two_processes_one_holds_the_journal(tmp_path: Path) -> None:
    """The second is told, and does not seal rows under the hands of the first; once that has ended it may."""
    first = Journal(tmp_path / "journal", tmp_path / "landing", ROWS)
    first.append(row(1)).result(timeout=10)
    with pytest.raises(BlockingIOError):
        Journal(tmp_path / "journal", tmp_path / "landing", ROWS)
    first.append(row(2)).result(timeout=10)
    first.close()
    Journal(tmp_path / "journal", tmp_path / "landing", ROWS).close()
    assert sorted(stored(tmp_path)) == ["r1", "r2"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_journal_that_stops_for_a_fault_leaves_nobody_waiting(tmp_path: Path) -> None:
    """A row that no segment can hold ends the thread: what comes after it is refused, and what was acknowledged is on
    disk."""
    journal = Journal(tmp_path / "journal", tmp_path / "landing", ROWS, seal_rows=1)
    journal.append({**row(1), "ts": "no time"}).result(timeout=10)
    journal.close()
    with pytest.raises(OSError, match="has stopped"):
        journal.append(row(2))
    path, *_ = left_behind(tmp_path / "journal")
    assert read_journal(path)[0][0]["request_id"] == "r1"


@pytest.mark.parametrize(("name", "kept"), [("before_write", []), ("before_sync", []), ("before_answer", ["r1"])])
def test_a_disk_that_is_full_at_any_line_refuses_the_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, kept: list[str]
) -> None:
    """F04: nobody is told that the row is there, and once there is space again the next one is; only a synced row
    stays."""
    journal = Journal(tmp_path / "journal", tmp_path / "landing", ROWS)
    monkeypatch.setenv("RATCHET_FAILPOINT", f"journal.{name}:enospc")
    with pytest.raises(OSError, match="no space left"):
        journal.append(row(1)).result(timeout=10)
    monkeypatch.delenv("RATCHET_FAILPOINT")
    journal.append(row(2)).result(timeout=10)
    journal.close()
    assert sorted(stored(tmp_path)) == [*kept, "r2"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_in_the_middle_of_a_write_leaves_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those whose rows were just being written are told too."""
    journal = Journal(tmp_path / "journal", tmp_path / "landing", ROWS)
    monkeypatch.setenv("RATCHET_FAILPOINT", "journal.before_sync:raise")
    with pytest.raises(OSError, match="has stopped"):
        journal.append(row(1)).result(timeout=10)
    journal.close()  # its thread ends here, and not in the next test
