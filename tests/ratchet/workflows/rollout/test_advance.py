"""A rollback wins: over who decides meanwhile, over its own death half way, and without anything but ledger and
flags."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ratchet.core.errors import RatchetError
from ratchet.rollout.ledger_entry import Entry
from ratchet.storage.home import Home
from ratchet.storage.rollout.flag_file import Flags
from ratchet.storage.rollout.ledger import Ledger
from ratchet.testing.homes import SmallClassifier, keep_receipts
from ratchet.workflows.rollout import rollback
from ratchet.workflows.rollout.advance import stop_or_resume
from ratchet.workflows.rollout.reconcile import reconcile, record
from ratchet.workflows.rollout.rollback import roll_back
from ratchet.workflows.status import describe_classifier
from ratchet.workflows.verify import verify_ledger

A, B, C, D = "a" * 64, "b" * 64, "c" * 64, "d" * 64
SAID = {"ts": "2026-01-05T10:00:00+00:00", "actor": "test", "why": "test", "week": "2026-01-05"}

DECIDE = """
import sys
from pathlib import Path
from ratchet.core.errors import RatchetError
from ratchet.rollout.ledger_entry import Head
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger
ledger = Ledger(Home(Path(sys.argv[1])))
print("ready", flush=True)
for line in sys.stdin:
    name, sequence, digest, adapter = line.split()
    said = {"ts": "t", "actor": sys.argv[2], "action": "promote", "why": "test", "week": "w", "receipts": {}}
    try:
        ledger.append(name, adapter=adapter, after=Head(int(sequence), digest), **said)
        print("won", flush=True)
    except RatchetError as error:
        print(error.code, flush=True)
"""
ROLL_BACK = """
import sys
from pathlib import Path
from ratchet.core.errors import RatchetError
from ratchet.storage.home import Home
from ratchet.workflows.rollout.rollback import roll_back
home = Home(Path(sys.argv[1]))
print("ready", flush=True)
for line in sys.stdin:
    try:
        print(roll_back(home, "small", sys.argv[2]).previous_adapter, flush=True)
    except RatchetError as error:
        print(error.code, flush=True)
"""
BUSY = """
import sys
from itertools import count
from pathlib import Path
from ratchet.core.errors import RatchetError
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger
ledger = Ledger(Home(Path(sys.argv[1])))
for turn in count():
    said = {"ts": "t", "actor": "busy", "action": ("hold", "resume")[turn % 2], "why": "test", "week": "w",
        "receipts": {}}
    try:
        ledger.append("small", adapter="a" * 64, **said)
    except RatchetError:  # a rollback ended the stop
        continue
    if turn == 2:
        print("busy", flush=True)
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A is live, and B answers 25 % of users."""
    found = Home(tmp_path / "home")
    SmallClassifier(found).write()
    for action, adapter, percent in (("promote", A, 0), ("shadow", B, 0), ("step", B, 25)):
        enter(found, action, adapter, percent)
    return found


def enter(home: Home, action: str, adapter: str, percent: int = 0, **more: Any) -> Entry:
    """One move, with receipts where an adapter comes in."""
    receipts = keep_receipts(home, "small", "2026-01-05", adapter) if action in {"promote", "shadow"} else {}
    return record(home, "small", action=action, adapter=adapter, percent=percent, receipts=receipts, **{**SAID, **more})


def served(home: Home) -> tuple[str, str | None, int, str | None]:
    """What the flag says, which follows from ledger and checkpoint; adapters are only names here."""
    assert not [found for found in verify_ledger(home, "small") if found.fault and "adapter" not in found.what]
    rollout = Flags(home).read().rollouts["small"]
    assert rollout.head == Ledger(home).head("small")
    return rollout.live, rollout.candidate, rollout.percent, rollout.shadow


def test_a_newer_candidate_starts_at_the_beginning(home: Home) -> None:
    """F27: B's step ends when C comes, C shadows only, and what was decided about B moves nobody any more."""
    seen = Ledger(home).head("small")
    enter(home, "shadow", C)
    assert served(home) == (A, None, 0, C)
    for after in (seen, None):
        with pytest.raises(RatchetError, match=r"someone decided meanwhile|cannot follow"):
            enter(home, "step", B, 50, after=after)
    with pytest.raises(RatchetError, match="cannot follow"):
        enter(home, "rollback", A, previous_adapter=B)
    assert served(home) == (A, None, 0, C)


@contextmanager
def busy(home: Home) -> Iterator[None]:
    """Somebody stops and resumes the ladder all the while."""
    with subprocess.Popen([sys.executable, "-c", BUSY, str(home.root)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "busy\n"
        try:
            yield
        finally:
            other.kill()


def take_back_often(home: Home, times: int, module: ModuleType = rollback) -> None:
    """Candidates come, one after the other, and each is rolled back."""
    for number in range(times):
        Ledger(home).append("small", action="shadow", adapter=f"{number:064x}", receipts={}, **SAID)
        entry = module.roll_back(home, "small", "complaints")
        assert (entry.action, entry.previous_adapter) == ("rollback", f"{number:064x}")


def test_a_rollback_wins_over_whoever_decides_meanwhile(home: Home) -> None:
    """F27: each is an entry at last, though another writer moves the head between its look and its entry."""
    roll_back(home, "small", "begin")
    with busy(home):
        take_back_often(home, 10)
    reconcile(home, "small")
    assert served(home) == (A, None, 0, None)
    assert sum(entry.action == "rollback" for entry in Ledger(home).entries("small")) == 11


def test_a_rollback_that_gives_way_is_noticed(home: Home, plant: Callable[..., ModuleType]) -> None:
    """The mutant tells the user to decide again."""
    mutant = plant(
        rollback,
        "classifier, after=after, ts=at, action=act.ROLLBACK",
        "classifier, after=state.head, ts=at, action=act.ROLLBACK",
    )
    roll_back(home, "small", "begin")
    with busy(home), pytest.raises(RatchetError, match="someone decided meanwhile"):
        take_back_often(home, 1000, mutant)


def test_a_rollback_that_was_killed_before_its_flag_is_finished_and_not_repeated(
    home: Home, plant: Callable[..., ModuleType]
) -> None:
    """F28: the same command again writes the flag; what is live is not taken back with it. The mutant takes it back
    too."""
    enter(home, "promote", B)
    enter(home, "shadow", C)
    Ledger(home).append("small", action="rollback", adapter=B, previous_adapter=C, receipts={}, **SAID)
    again = Home(Path(shutil.copytree(home.root, home.root.with_name("again"))))
    entry = roll_back(home, "small", "again")
    assert (entry.sequence, entry.previous_adapter) == (6, C)
    assert served(home) == (B, None, 0, None)
    mutant = plant(rollback, "and _is_half_done(home, classifier, moved)", "and not moved")
    with pytest.raises(RatchetError, match=f"no earlier adapter to return to. Passed over as damaged: {A[:12]}"):
        mutant.roll_back(again, "small", "again")


def test_of_two_who_roll_back_at_once_one_does(home: Home) -> None:
    """F27: the other finds it done, or nothing to return to; what is live stays."""
    writers = start(ROLL_BACK, home)
    try:
        for number in range(8):
            Ledger(home).append("small", action="shadow", adapter=f"{number:064x}", receipts={}, **SAID)
            for writer in writers:
                print("go", file=writer.stdin)
            said = [writer.stdout.readline().strip() for writer in writers if writer.stdout]
            assert set(said) <= {f"{number:064x}", "no_refuge"}
            assert Ledger(home).entries("small")[-2].action == "shadow"
            assert served(home) == (A, None, 0, None)
    finally:
        stop(writers)


def test_what_does_not_run_cannot_be_held(home: Home) -> None:
    """No entry is written where nothing is compared; where something is, one."""
    assert stop_or_resume(home, "small", "holidays").action == "hold"
    roll_back(home, "small", "complaints")
    before = Ledger(home).entries("small")
    with pytest.raises(RatchetError, match="no rollout that could be held"):
        stop_or_resume(home, "small", "holidays")
    assert Ledger(home).entries("small") == before


def test_live_keeps_the_week_that_made_it(home: Home) -> None:
    """Not that of the candidate that was rolled back; it is live since its own entry."""
    enter(home, "shadow", C, week="2026-01-12", ts="2026-01-13T10:00:00+00:00")
    roll_back(home, "small", "complaints")
    assert [describe_live(home)[key] for key in ("adapter", "week", "since")] == [A, "2026-01-05", SAID["ts"]]
    enter(home, "promote", D, week="2026-01-19", ts="2026-01-20T10:00:00+00:00")
    assert [describe_live(home)[key] for key in ("adapter", "week")] == [D, "2026-01-19"]
    Ledger(home).append("small", action="rollback", adapter=A, previous_adapter=D, receipts={}, **{**SAID, "week": "x"})
    found = describe_live(home)
    assert [found[key] for key in ("adapter", "week", "why")] == [A, "2026-01-05", "test"]


def describe_live(home: Home) -> dict[str, Any]:
    """The line of `ratchet status`."""
    found: dict[str, Any] = describe_classifier(home, "small", datetime(2026, 2, 1, tzinfo=UTC))["live"]
    return found


def start(script: str, home: Home) -> list["subprocess.Popen[str]"]:
    """Two processes of a script, ready."""
    command = [sys.executable, "-c", script, str(home.root)]
    writers = [
        subprocess.Popen([*command, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        for name in "ab"
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    return writers


def stop(writers: "list[subprocess.Popen[str]]") -> None:
    """End them."""
    for writer in writers:
        writer.kill()
        writer.communicate()


def race(home: Home, races: int) -> None:
    """Two processes append after the same head, as often: each time one wins and the other is told; a new ledger every
    25."""
    writers = start(DECIDE, home)
    try:
        for number in range(races):
            name = f"race-{number // 25}"
            home.classifier(name).mkdir(exist_ok=True)
            head = Ledger(home).head(name)
            for writer in writers:
                print(name, head.sequence, head.digest, f"{number:064x}", file=writer.stdin)
            said = sorted(writer.stdout.readline().strip() for writer in writers if writer.stdout)
            assert said == ["ledger_changed", "won"], f"race {number}"
            assert [entry.sequence for entry in Ledger(home).entries(name)] == list(range(1, number % 25 + 2))
    finally:
        stop(writers)


def test_of_two_decisions_on_one_head_one_lands(home: Home) -> None:
    """F22 at the ledger, short: sequences are exactly 1 to n."""
    race(home, 40)


@pytest.mark.faults
def test_of_two_decisions_on_one_head_one_lands_1000_times(home: Home) -> None:
    """F22 at the ledger, in full."""
    race(home, 1000)
