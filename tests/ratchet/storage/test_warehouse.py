"""One file, one writer: waits for a lock and names who holds it; a damaged file is moved aside and comes back equal."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import numpy as np
import pandas as pd
import pytest

from ratchet.config.spec import Label, Spec
from ratchet.core.errors import RatchetError
from ratchet.ingest.landing import Landing
from ratchet.ingest.rebuild import open_warehouse
from ratchet.storage.home import Home
from ratchet.storage.warehouse import CYCLE_TABLES, Warehouse

T = TypeVar("T")
SPEC = Spec("tickets", (Label("a"), Label("b")))
WEEK = date(2026, 2, 2)
NOW = datetime(2026, 3, 1, tzinfo=UTC)
TABLES = ("production_logs", "corrections", "ingested_files", *CYCLE_TABLES)

HOLDER = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""

KILLED_WRITER = """
import duckdb, os, sys
connection = duckdb.connect(sys.argv[1])
connection.execute("CREATE TABLE scribble AS SELECT i FROM range(2000) r(i)")
for i in range(50):
    connection.execute("INSERT INTO scribble VALUES (?)", [i])
os.kill(os.getpid(), 9)
"""


@contextmanager
def held(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process holds the file until its standard input closes."""
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        try:
            yield process
        finally:
            process.stdin.close()


def fill(home: Home) -> Warehouse:
    """A warehouse with rows in every table: delivered, dropped in, rescued, refused, and those of cycles."""
    inbox = home.root / "inbox"
    inbox.mkdir(parents=True)
    logs = [
        {"request_id": f"r{n}", "ts": "2026-02-02T10:00:00Z", "text": f"text {n} " + "x" * 50, "label": "a"}
        for n in range(2000)
    ]
    late = [
        {"request_id": "late", "ts": "2026-02-03T10:00:00+01:00", "text": "late", "label": "b", "channel": "web"},
        {"request_id": ""},
    ]
    corrections = [
        {"request_id": name, "ts": "2026-02-10T10:00:00Z", "label": "b", "annotator": "ann", "saw_prediction": False}
        for name in ("r1", "r2", "late", "never")
    ]
    for name, rows in (("logs", logs), ("late", late), ("corrections", corrections)):
        (inbox / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    warehouse = open_warehouse(home, "tickets")
    landing = Landing(home, warehouse)
    landing.deliver(SPEC, "production_logs", inbox / "logs.jsonl", now=NOW)
    landing.deliver(SPEC, "corrections", inbox / "corrections.jsonl", now=NOW)
    (inbox / "late.jsonl").rename(home.landing("tickets", "production_logs") / "late.jsonl")
    landing.take(SPEC, now=NOW)
    cycle = {"classifier": ["tickets"] * 2, "week": [WEEK] * 2, "request_id": ["r1", "r2"]}
    stamp = pd.to_datetime(["2026-02-02T10:00:00Z"] * 2)
    votes = {"annotator": "ann", "ts": stamp, "label": ["b", None], "saw_prediction": False}
    warehouse.replace("votes", "tickets", WEEK, pd.DataFrame({**cycle, **votes}))
    labels = {"label": ["b", None], "status": ["consensus", "adjudicate"], "annotators": [1, 2], "votes": [1, 2]}
    warehouse.replace(
        "labels", "tickets", WEEK, pd.DataFrame({**cycle, **labels, "agreement": [1.0, None], "blind": [True, False]})
    )
    warehouse.replace(
        "examples",
        "tickets",
        WEEK,
        pd.DataFrame({**cycle, "split": "train", "ts": stamp, "text": ["t", "u"], "label": "b", "blind": True}),
    )
    warehouse.replace(
        "dropped", "tickets", WEEK, pd.DataFrame({**cycle, "ts": stamp, "reason": "near duplicate", "detail": None})
    )
    place = {"classifier": cycle["classifier"], "week": cycle["week"]}
    grams = np.array([7, 2**64 - 1], dtype=np.uint64)
    left_out = pd.DataFrame({**place, "annotator": ["ann", "bob"], "right": [3, 4], "measured": 40})
    warehouse.replace("left_out", "tickets", WEEK, left_out)
    warehouse.replace("boilerplate", "tickets", WEEK, pd.DataFrame({**place, "gram": grams, "texts": [10, 12]}))
    scores = {"text": "t", "label": "a", "predicted": "b", "confidence": 0.75, "probabilities": [[0.25, 0.75]] * 2}
    rows = {
        "classifier": cycle["classifier"],
        "week": cycle["week"],
        "model": "candidate",
        "adapter": "d",
        "split": "test",
        "item": ["1", "2"],
    }
    warehouse.replace("predictions", "tickets", WEEK, pd.DataFrame({**rows, **scores}))
    return warehouse


def checksums(warehouse: Warehouse) -> dict[str, tuple[Any, ...]]:
    """Of each table the number of rows and a checksum over their content, whatever their order."""
    with warehouse.connect() as connection:
        sql = "SELECT count(*), bit_xor(hash(t)), sum(hash(t)::HUGEINT % 1000000007) FROM {} t"
        return {table: tuple(connection.execute(sql.format(table)).fetchone() or ()) for table in TABLES}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, dict[str, tuple[Any, ...]]]:
    """A filled home, checkpointed and closed, with its checksums; copied by each test that damages it."""
    home = Home(tmp_path_factory.mktemp("filled"))
    found = checksums(fill(home))
    assert [found[table][0] for table in TABLES] == [2001, 3, 3, *(2 for _ in CYCLE_TABLES)]
    return home, found


def copy_of(home: Home, target: Path) -> Home:
    """The same home elsewhere, its files' times kept."""
    subprocess.run(["cp", "-a", str(home.root), str(target)], check=True)
    return Home(target)


# F34: the lock


@dataclass(frozen=True)
class Impatient(Warehouse):
    """The planted bug of F34: it gives up at the first refusal."""

    def _patiently(self, attempt: Callable[[], T]) -> T:
        return attempt()


def assert_waits_for_the_lock(warehouse: Warehouse) -> None:
    """The assertion of F34: another process lets go after a moment, and the query goes through."""
    with held(warehouse.path) as holder:
        assert holder.stdin is not None
        threading.Timer(0.3, holder.stdin.close).start()
        assert warehouse.frame("SELECT 1 AS one")["one"].tolist() == [1]


def test_a_lock_that_is_let_go_in_time_is_waited_for(tmp_path: Path) -> None:
    """An analyst who closes the file costs a moment, no error (F34)."""
    warehouse = open_warehouse(Home(tmp_path), "tickets", lock_wait_s=20)
    warehouse.weeks("tickets")
    assert_waits_for_the_lock(warehouse)


def test_the_lock_test_catches_a_warehouse_that_does_not_wait(tmp_path: Path) -> None:
    """The planted bug fails the very assertion that the real one passes (F34's mutant)."""
    warehouse = Impatient(Home(tmp_path).warehouse("tickets"), lock_wait_s=20)
    warehouse.weeks("tickets")
    with pytest.raises(duckdb.IOException, match="Could not set lock"):
        assert_waits_for_the_lock(warehouse)


def test_a_lock_that_is_kept_ends_in_an_error_that_names_the_holder(tmp_path: Path) -> None:
    """The wait is bounded; the sentence holds the pid, the time waited and the cure (F34). Afterwards all is well."""
    warehouse = open_warehouse(Home(tmp_path), "tickets", lock_wait_s=0.2)
    warehouse.weeks("tickets")
    with held(warehouse.path) as holder:
        start = time.monotonic()
        with pytest.raises(RatchetError, match=rf"held by process {holder.pid} .*waited 0\.2 s") as error:
            warehouse.frame("SELECT 1")
        assert 0.2 <= time.monotonic() - start < 10
        assert error.value.details == {"pid": holder.pid}
        assert f"ps -p {holder.pid}" in error.value.hint
        with pytest.raises(RatchetError, match="held by process"):
            warehouse.rebuild()
    assert warehouse.frame("SELECT 1 AS one")["one"].tolist() == [1]


def test_two_blocks_in_one_process_share_the_file(tmp_path: Path) -> None:
    """A block within a block is no deadlock."""
    warehouse = open_warehouse(Home(tmp_path), "tickets")
    with warehouse.connect(), warehouse.connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


# F35: damage


@dataclass(frozen=True)
class Forgetful(Warehouse):
    """The planted bug of F35: it moves the damaged file aside and starts empty."""

    def _restore(self) -> None:
        return None


def garbage(path: Path) -> None:
    """No DuckDB file at all."""
    path.write_bytes(b"this is no database" * 100)


def nothing(path: Path) -> None:
    """An empty file."""
    path.write_bytes(b"")


def cut(path: Path) -> None:
    """Half a file."""
    os.truncate(path, path.stat().st_size // 2)


def broken_header(path: Path) -> None:
    """One byte of the header turned."""
    flip(path, 4096 + 100)
    flip(path, 8192 + 100)


def broken_blocks(path: Path) -> None:
    """A byte turned in every block: nothing shows until a table is read."""
    for offset in range(3 * 4096 + 2000, path.stat().st_size, 4096):
        flip(path, offset)


def broken_wal(path: Path) -> None:
    """A killed writer's write-ahead log with a byte turned in its middle."""
    assert subprocess.run([sys.executable, "-c", KILLED_WRITER, str(path)], check=False).returncode == -9
    wal = path.with_name(f"{path.name}.wal")
    flip(wal, wal.stat().st_size // 2)


def gone(path: Path) -> None:
    """No file."""
    path.unlink()


def flip(path: Path, offset: int) -> None:
    """Turn every bit of one byte."""
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 0xFF]))


def assert_comes_back_equal(warehouse: Warehouse, before: dict[str, tuple[Any, ...]]) -> None:
    """The assertion of F35: at once, or after one error that says so, every table has the checksum it had."""
    try:
        found = checksums(warehouse)
    except RatchetError as error:
        found = checksums(warehouse) if error.code == "rebuilt" else {}
    assert found == before


@pytest.mark.parametrize("damage", [garbage, nothing, cut, broken_header, broken_blocks, broken_wal, gone])
def test_a_damaged_warehouse_is_moved_aside_and_comes_back_equal(
    tmp_path: Path,
    filled: tuple[Home, dict[str, tuple[Any, ...]]],
    damage: Callable[[Path], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Every kind of damage is noticed, reported, kept for inspection, and rebuilt from the landing folders (F35)."""
    home = copy_of(filled[0], tmp_path / "home")
    damage(home.warehouse("tickets"))
    assert_comes_back_equal(open_warehouse(home, "tickets"), filled[1])
    aside = sorted(path.name for path in home.classifier("tickets").glob("warehouse.duckdb*"))
    if damage is gone:
        assert aside == ["warehouse.duckdb"]
    else:
        assert aside[:2] == ["warehouse.duckdb", "warehouse.duckdb.corrupt-1"]
        assert "warehouse.duckdb.corrupt-1" in caplog.text
    assert (damage is broken_wal) == ("warehouse.duckdb.corrupt-1.wal" in aside)
    assert not list(home.classifier("tickets").glob(".warehouse*draft*"))
    assert Landing(home, open_warehouse(home, "tickets")).take(SPEC, now=NOW) == []


def test_the_damage_test_catches_a_warehouse_that_starts_empty(
    tmp_path: Path, filled: tuple[Home, dict[str, tuple[Any, ...]]]
) -> None:
    """The planted bug fails the very assertion that the real one passes (F35's mutant)."""
    home = copy_of(filled[0], tmp_path / "home")
    garbage(home.warehouse("tickets"))
    with pytest.raises(AssertionError):
        assert_comes_back_equal(Forgetful(home.warehouse("tickets")), filled[1])


def test_damage_after_damage_keeps_every_file(tmp_path: Path, filled: tuple[Home, dict[str, tuple[Any, ...]]]) -> None:
    """The second damaged file does not overwrite the first; a rebuild can also be asked for."""
    home = copy_of(filled[0], tmp_path / "home")
    warehouse = open_warehouse(home, "tickets")
    garbage(home.warehouse("tickets"))
    assert_comes_back_equal(warehouse, filled[1])
    nothing(home.warehouse("tickets"))
    assert_comes_back_equal(warehouse, filled[1])
    assert warehouse.rebuild() == home.classifier("tickets") / "warehouse.duckdb.corrupt-3"
    assert checksums(warehouse) == filled[1]


# Rows of cycles


def test_replacing_a_cycle_leaves_the_others_alone(tmp_path: Path) -> None:
    """All rows of one classifier and week are replaced, also by none; rows of another cycle are refused."""
    warehouse = open_warehouse(Home(tmp_path), "tickets")
    later = date(2026, 2, 9)

    def rows(week: date, count: int, classifier: str = "tickets") -> pd.DataFrame:
        columns = {"request_id": [f"r{n}" for n in range(count)], "reason": ["pii"] * count}
        return pd.DataFrame({"classifier": [classifier] * count, "week": [week] * count, **columns})

    warehouse.replace("dropped", "tickets", WEEK, rows(WEEK, 3))
    warehouse.replace("dropped", "tickets", later, rows(later, 2))
    warehouse.replace("dropped", "chats", WEEK, rows(WEEK, 4, "chats"))
    warehouse.replace("dropped", "tickets", WEEK, rows(WEEK, 1))
    assert (warehouse.count("dropped", "tickets"), warehouse.count("dropped", "chats")) == (3, 4)
    warehouse.replace("dropped", "tickets", WEEK, rows(WEEK, 0))
    assert warehouse.frame("SELECT week, count(*) AS n FROM dropped WHERE classifier = ? GROUP BY 1", ["tickets"])[
        "n"
    ].tolist() == [2]
    with pytest.raises(ValueError, match="other cycles"):
        warehouse.replace("dropped", "tickets", WEEK, rows(later, 1))
    with pytest.raises(ValueError, match="not filled by cycles"):
        warehouse.replace("production_logs", "tickets", WEEK, rows(WEEK, 1))
    assert warehouse.count("dropped", "tickets") == 2


def test_a_replacement_that_fails_changes_nothing(tmp_path: Path) -> None:
    """The old rows stay when the new ones do not fit the table."""
    warehouse = open_warehouse(Home(tmp_path), "tickets")
    good = pd.DataFrame({"classifier": ["tickets"], "week": [WEEK], "request_id": ["r"], "reason": ["pii"]})
    warehouse.replace("dropped", "tickets", WEEK, good)
    with pytest.raises(duckdb.Error):
        warehouse.replace("dropped", "tickets", WEEK, good.assign(reason=None))
    assert warehouse.count("dropped", "tickets") == 1


def test_the_file_is_opened_within_bounds(tmp_path: Path) -> None:
    """One gigabyte, two threads, scratch space in the classifier's folder, times in UTC."""
    warehouse = open_warehouse(Home(tmp_path), "tickets")
    names = {"m": "memory_limit", "t": "threads", "d": "temp_directory", "z": "TimeZone"}
    found = warehouse.frame(
        "SELECT " + ", ".join(f"current_setting('{name}') AS {key}" for key, name in names.items())
    ).iloc[0]
    assert found["m"] in {"953.6 MiB", "953.7 MiB"}
    assert (found["t"], found["z"]) == (2, "UTC")
    assert Path(found["d"]).parent == tmp_path / "tickets"


def test_what_a_killed_process_spilled_is_removed(tmp_path: Path) -> None:
    """By the next one that opens the file; its own scratch space stays."""
    warehouse = open_warehouse(Home(tmp_path), "tickets")
    own = Path(warehouse.frame("SELECT current_setting('temp_directory') AS d")["d"][0])
    left = [tmp_path / "tickets" / name for name in (".duckdb_tmp", ".duckdb_tmp.0", own.name)]
    for folder in left:
        folder.mkdir()
        (folder / "duckdb_temp_storage-0.tmp").write_bytes(b"x")
    warehouse.count("labels", "tickets")
    assert [folder.exists() for folder in left] == [False, False, True]
