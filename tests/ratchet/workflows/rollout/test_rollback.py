"""A rollback takes back what its reader saw, or nothing; and the flag follows also when others publish meanwhile."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

from ratchet.core.errors import RatchetError
from ratchet.core.filesystem import Disk
from ratchet.storage.home import Home
from ratchet.storage.rollout.flag_file import Flags
from ratchet.storage.rollout.ledger import Ledger
from ratchet.testing.homes import SmallClassifier, keep_receipts
from ratchet.workflows.rollout import reconcile as serving
from ratchet.workflows.rollout.reconcile import kill_switch, record
from ratchet.workflows.rollout.rollback import CHANGED, roll_back_seen

FIRST, SECOND = "a" * 64, "b" * 64
SAID = {"ts": "2026-01-05T10:00:00+00:00", "actor": "test", "why": "test", "week": "2026-01-05"}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """The first adapter is live, and the second answers 25 % of users."""
    home = Home(tmp_path / "home")
    SmallClassifier(home).write()
    for action, adapter, percent in (("promote", FIRST, 0), ("shadow", SECOND, 0), ("step", SECOND, 25)):
        receipts = {} if percent else keep_receipts(home, "small", "2026-01-05", adapter)
        record(home, "small", action=action, adapter=adapter, percent=percent, receipts=receipts, **SAID)
    return home


def test_what_was_seen_is_taken_back(home: Home) -> None:
    """The entry names who, and the flag follows."""
    entry = roll_back_seen(home, "small", "worse", Ledger(home).head("small"), who="key ops")
    assert (entry.actor, entry.why, entry.adapter) == ("key ops", "Rolled back: worse", FIRST)
    assert Flags(home).read().rollouts["small"].adapters == {"live": FIRST}


def test_what_was_not_seen_is_left_alone(home: Home) -> None:
    """Also when there would be nothing to return to: that someone decided is what counts."""
    seen = Ledger(home).head("small")
    roll_back_seen(home, "small", "worse", seen)
    with pytest.raises(RatchetError, match="changed since your page was loaded") as found:
        roll_back_seen(home, "small", "worse", seen)
    assert found.value.code == CHANGED
    assert len(Ledger(home).entries("small")) == 4


class BusyDisk(Disk):
    """The real disk, on which another publishes the flag file just between its reading and its writing."""

    def __init__(self, home: Home) -> None:
        self._home, self._busy = home, True

    @contextmanager
    def lock(self, path: Path, *, wait: bool = True) -> Iterator[None]:
        """Take the lock, the one of the flags once after another had it."""
        if self._busy and path.name == ".flags.lock":
            self._busy = False
            kill_switch(self._home, "small", on=True)
        with super().lock(path, wait=wait):
            yield


BACK = {**SAID, "action": "rollback", "adapter": FIRST, "previous_adapter": SECOND, "receipts": {}}


def test_the_flag_follows_though_another_published_meanwhile(home: Home) -> None:
    """The entry stands, so the flag is written after it; what the other published is kept."""
    record(home, "small", BusyDisk(home), **BACK)
    rollout = Flags(home).read().rollouts["small"]
    assert (rollout.live, rollout.candidate, rollout.killed) == (FIRST, None, True)


def test_a_flag_that_does_not_follow_is_noticed(home: Home, plant: Callable[..., ModuleType]) -> None:
    """The planted bug: the other's publication ends it, and the candidate goes on in the flag."""
    mutant = plant(serving, 'error.code != "flags_changed"', "error")
    with pytest.raises(RatchetError, match="someone else published meanwhile"):
        mutant.record(home, "small", BusyDisk(home), **BACK)
    assert Flags(home).read().rollouts["small"].candidate == SECOND
