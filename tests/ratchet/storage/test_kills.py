"""Real processes killed (-9) at random in the middle of writing, again and again: short in `make test`, long in `make
faults`."""

import json
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ratchet.core import files
from ratchet.rollout.flag import Rollout
from ratchet.storage.home import Home
from ratchet.storage.journal.segments import left_behind, read_journal
from ratchet.storage.rollout.flag_file import Flags
from ratchet.storage.rollout.ledger import Ledger
from ratchet.testing.homes import SmallClassifier
from ratchet.testing.killed_processes import run_and_kill

Planned = Callable[[str, int], int]

JOURNAL = """
import sys
from pathlib import Path
from ratchet.storage.journal.journal import Journal
from ratchet.storage.journal.segments import RowSchema
root, turn, group = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
rows = RowSchema("rows", {"request_id": "VARCHAR", "ts": "VARCHAR"})
journal = Journal(root / "journal" / "rows", root / "landing", rows, seal_rows=2000)
number = 0
while True:
    names = [f"{turn}-{number + n}" for n in range(group)]
    for done in [journal.append({"request_id": name, "ts": name}) for name in names]:
        done.result()
    print(" ".join(names), flush=True)
    number += group
"""
FLAGS = """
import sys
from pathlib import Path
from ratchet.rollout.flag import Rollout
from ratchet.storage.rollout.flag_file import Flags
from ratchet.storage.home import Home
flags = Flags(Home(Path(sys.argv[1])))
while True:
    seen = flags.read().generation
    flags.publish("small", Rollout(f"{seen + 1:064x}"), seen=seen)
    print(seen + 1, flush=True)
"""
LEDGER = """
import sys
from pathlib import Path
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger
ledger = Ledger(Home(Path(sys.argv[1])))
while True:
    number = len(ledger.entries("small")) + 1
    said = {"ts": "2026-01-05T10:00:00+00:00", "actor": "test", "action": "promote", "why": "x" * 200, "week":
        "2026-01-05"}
    ledger.append("small", adapter=f"{number:064x}", receipts={}, **said)
    print(number, flush=True)
"""
PUBLISH_ONCE = """
import sys
from pathlib import Path
from ratchet.core.errors import RatchetError
from ratchet.rollout.flag import Rollout
from ratchet.storage.rollout.flag_file import Flags
from ratchet.storage.home import Home
flags = Flags(Home(Path(sys.argv[1])))
print("ready", flush=True)
for line in sys.stdin:
    try:
        flags.publish("small", Rollout(sys.argv[2] * 64), seen=int(line))
        print("won", flush=True)
    except RatchetError as error:
        print(error.code, flush=True)
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with a specification."""
    found = Home(tmp_path)
    SmallClassifier(found).write()
    return found


def kill_journal(root: Path, kills: int, groups: int, group: int) -> int:
    """Kill as often; every acknowledged row is stored once after the next start. Returns how many were acknowledged."""
    draw, acknowledged = random.Random(1), set()  # noqa: S311 - test data, guards nothing
    for turn in range(kills):
        lines = run_and_kill(JOURNAL, (root, turn, group), draw.randint(groups, groups + groups // 3))
        acknowledged |= {name for line in lines for name in line.split()}
    run_and_kill(JOURNAL, (root, "last", 1), 1)
    sealed = [
        name for path in (root / "landing").glob("*.parquet") for name in pq.read_table(path)["request_id"].to_pylist()
    ]
    left = [row["request_id"] for path in left_behind(root / "journal" / "rows") for row in read_journal(path)[0]]
    stored = sealed + left
    assert acknowledged <= set(stored), f"lost: {sorted(acknowledged - set(stored))[:5]}"
    assert len(stored) == len(set(stored)), "twice"
    assert not list((root / "landing").glob(".*")), "litter"
    return len(acknowledged)


def test_kill_9_at_random_loses_no_row(tmp_path: Path) -> None:
    """F01, short."""
    assert kill_journal(tmp_path, 2, 20, 20) >= 800


@pytest.mark.faults
def test_kill_9_at_random_loses_no_row_of_a_hundred_thousand(tmp_path: Path, planned: Planned) -> None:
    """F01 with P kills and at least 100,000 acknowledged rows."""
    acknowledged = kill_journal(tmp_path, planned("P", 2), 2 + 100_000 // planned("P", 2) // 50, 50)
    print(f"F01: {acknowledged} acknowledged rows, 0 lost, 0 twice")  # noqa: T201 - shown by -rP
    assert acknowledged >= 100_000


@contextmanager
def watched(path: Path) -> Iterator[list[int]]:
    """Read the file over and over meanwhile; gives [reads, torn reads]."""
    found, done = [0, 0], threading.Event()

    def read() -> None:
        while not done.is_set():
            found[0] += 1
            try:
                json.loads(path.read_bytes())
            except (ValueError, OSError):
                found[1] += 1

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield found
    finally:
        done.set()
        reader.join()


def kill_flags(home: Home, kills: int, publications: int) -> list[int]:
    """Kill a writer as often: the generation is the last told, or the one after it, and no read is torn; [reads,
    torn]."""
    draw = random.Random(2)  # noqa: S311 - as above
    Flags(home).publish("small", Rollout(f"{1:064x}"), seen=0)
    with watched(home.flags) as found:
        for _ in range(kills):
            told = int(run_and_kill(FLAGS, (home.root,), draw.randint(1, publications))[-1])
            kept = Flags(home).read()
            assert kept.generation in {told, told + 1}
            assert kept.rollouts["small"].live == f"{kept.generation:064x}"
    return found


def test_a_killed_flag_writer_leaves_a_whole_file(home: Home) -> None:
    """F17, short."""
    reads, torn = kill_flags(home, 2, 30)
    assert reads > 100
    assert torn == 0


@pytest.mark.faults
def test_a_killed_flag_writer_leaves_a_whole_file_in_many_reads(home: Home, planned: Planned) -> None:
    """F17 with P kills, and readers all the while."""
    reads, torn = kill_flags(home, planned("P", 2), 1500)
    print(f"F17: {reads} reads, {torn} torn")  # noqa: T201 - shown by -rP
    assert torn == 0


def test_a_flag_writer_in_place_is_noticed(home: Home, plant: Callable[..., object], tmp_path: Path) -> None:
    """F17's mutant writes the file itself: a reader meets half of it."""
    mutant = plant(files, "stage = path.with_name(", "stage = path or path.with_name(")
    path = tmp_path / "big.json"
    mutant.write_json(path, ["x"])
    with watched(path) as found:
        while not found[1]:
            mutant.write_json(path, ["x" * 100_000])
    assert found[1]


def kill_ledger(home: Home, kills: int, entries: int) -> int:
    """Kill a writer as often: every told entry stays, numbered and chained; the number of entries."""
    draw, count = random.Random(3), 0  # noqa: S311 - as above
    for _ in range(kills):
        told = int(run_and_kill(LEDGER, (home.root,), draw.randint(1, entries))[-1])
        found = Ledger(home).entries("small")
        assert len(found) in {told, told + 1}
        assert len(found) > count
        count = len(found)
        assert [entry.adapter for entry in found] == [f"{number + 1:064x}" for number in range(count)]
    return count


def test_a_killed_ledger_writer_loses_no_entry(home: Home) -> None:
    """F19, short."""
    assert kill_ledger(home, 2, 20) >= 2


@pytest.mark.faults
def test_a_killed_ledger_writer_loses_no_entry_in_many_kills(home: Home, planned: Planned) -> None:
    """F19 with P kills."""
    print(f"F19: {kill_ledger(home, planned('P', 2), 60)} entries")  # noqa: T201 - shown by -rP


def race_of_two(home: Home, races: int) -> None:
    """Two processes publish on the same generation, as often: each time one wins and the other is told."""
    command = [sys.executable, "-c", PUBLISH_ONCE, str(home.root)]
    writers = [
        subprocess.Popen([*command, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        for name in "ab"
    ]
    try:
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n"
        for seen in range(races):
            for writer in writers:
                print(seen, file=writer.stdin)
            said = sorted(writer.stdout.readline().strip() for writer in writers)
            assert said == ["flags_changed", "won"], f"race {seen}"
    finally:
        for writer in writers:
            writer.kill()
            writer.communicate()
    assert Flags(home).read().generation == races


def test_of_two_promoters_at_once_one_wins(home: Home) -> None:
    """F22 at the flag file, short: generations are exactly 1 to n."""
    race_of_two(home, 40)


@pytest.mark.faults
def test_of_two_promoters_at_once_one_wins_1000_times(home: Home) -> None:
    """F22 at the flag file, in full."""
    race_of_two(home, 1000)
