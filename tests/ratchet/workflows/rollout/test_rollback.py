"""A rollback takes back what its reader saw, or nothing; and the flag follows also when others publish meanwhile."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from ratchet.core.errors import RatchetError
from ratchet.rollout.ledger_entry import Entry
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


def roll_back_while_another_publishes(home: Home, roll_back: Callable[[], Entry]) -> None:
    """Call `roll_back`; the flag file is published by another just between its reading and its writing.

    The promoter reads the specification in between, here from a pipe: who opens its other end knows that it waits.
    """
    spec = home.spec("small")
    content, aside = spec.read_text(), spec.with_name("aside.toml")
    spec.unlink()
    os.mkfifo(spec)
    aside.write_text(content)

    def interfere() -> None:
        with spec.open("w") as pipe:
            kill_switch(home, "small", on=True)
            aside.replace(spec)
            pipe.write(content)

    other = threading.Thread(target=interfere)
    other.start()
    try:
        assert roll_back().action == "rollback"
    finally:
        other.join()


def test_the_flag_follows_though_another_published_meanwhile(home: Home) -> None:
    """The entry stands, so the flag is written after it; what the other published is kept."""
    roll_back_while_another_publishes(home, lambda: roll_back_seen(home, "small", "worse", Ledger(home).head("small")))
    rollout = Flags(home).read().rollouts["small"]
    assert (rollout.live, rollout.candidate, rollout.killed) == (FIRST, None, True)


def test_a_flag_that_does_not_follow_is_noticed(home: Home, plant: Callable[..., ModuleType]) -> None:
    """The planted bug: the other's publication ends it, and the candidate goes on in the flag."""
    mutant, said = (
        plant(serving, 'error.code != "flags_changed"', "error"),
        {**SAID, "previous_adapter": SECOND, "receipts": {}},
    )
    with pytest.raises(RatchetError, match="someone else published meanwhile"):
        roll_back_while_another_publishes(
            home, lambda: mutant.record(home, "small", action="rollback", adapter=FIRST, **said)
        )
    assert Flags(home).read().rollouts["small"].candidate == SECOND
