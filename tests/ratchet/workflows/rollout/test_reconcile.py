"""The flag follows the ledger, also when a promotion was killed half way."""

from pathlib import Path

import pytest

from ratchet.core.errors import RatchetError
from ratchet.rollout.flag import Rollout
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger
from ratchet.testing.homes import SmallClassifier
from ratchet.workflows.rollout.reconcile import kill_switch, reconcile, record

A, B = "a" * 64, "b" * 64


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home without a promotion."""
    found = Home(tmp_path)
    SmallClassifier(found).write()
    return found


def enter(home: Home, adapter: str) -> None:
    """A promotion's line in the ledger, and nothing else: the promoter was killed after it."""
    said = {
        "ts": "2026-01-05T10:00:00+00:00",
        "actor": "test",
        "action": "promote",
        "why": "test",
        "week": "2026-01-05",
    }
    Ledger(home).append("small", adapter=adapter, receipts={}, **said)


def test_before_the_first_promotion_nothing_is_published(home: Home) -> None:
    """No flag, no file."""
    assert reconcile(home, "small") is None
    assert not home.flags.exists()


def test_a_promotion_that_was_killed_before_its_flag_is_finished(home: Home) -> None:
    """F21: once, and settling again changes nothing."""
    enter(home, A)
    found = reconcile(home, "small")
    assert found == Rollout(A, head=Ledger(home).head("small"))
    before = home.flags.read_bytes()
    assert reconcile(home, "small") == found
    assert home.flags.read_bytes() == before


def test_the_former_live_adapter_watches_the_new_one_and_the_kill_switch_stays(home: Home) -> None:
    """What shadows follows from the ledger; what an operator switched off stays off."""
    enter(home, A)
    reconcile(home, "small")
    kill_switch(home, "small", on=True)
    enter(home, B)
    found = reconcile(home, "small")
    assert found is not None
    assert (found.live, found.shadow, found.killed) == (B, A, True)
    assert kill_switch(home, "small", on=False).adapters == {"live": B, "shadow": A}


def test_a_flag_that_has_seen_more_than_the_ledger_holds_is_not_overwritten(home: Home) -> None:
    """T20: ledger and checkpoint were set back together; the flag is the third anchor."""
    enter(home, A)
    kept = [home.ledger("small").read_bytes(), home.checkpoint("small").read_bytes()]
    enter(home, B)
    reconcile(home, "small")
    before = home.flags.read_bytes()
    home.ledger("small").write_bytes(kept[0])
    home.checkpoint("small").write_bytes(kept[1])
    with pytest.raises(RatchetError, match="holds 1 entries, but the flag vouches for 3"):
        reconcile(home, "small")
    assert home.flags.read_bytes() == before


def test_a_decision_is_carried_out_once_under_one_key(home: Home) -> None:
    """Doubled ticks and restarted runs name the same decision."""
    said = {"ts": "2026-01-05T10:00:00+00:00", "actor": "test", "why": "test", "week": "2026-01-05", "receipts": {}}
    first = record(home, "small", action="promote", adapter=A, key="k1", **said)
    assert record(home, "small", action="promote", adapter=A, key="k1", **said) == first
    assert len(Ledger(home).entries("small")) == 1
