"""The flag follows the ledger, also when a promotion was killed half way."""

from pathlib import Path

import pytest

from ratchet.rollout import Rollout
from ratchet.stores.flags import Flags
from ratchet.stores.home import Home
from ratchet.stores.ledger import Ledger
from ratchet.stores.serving import settle
from ratchet.testing import SmallClassifier

A, B = "a" * 64, "b" * 64


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home without a promotion."""
    found = Home(tmp_path)
    SmallClassifier(found).write()
    return found


def enter(home: Home, adapter: str) -> None:
    """A promotion's line in the ledger, and nothing else: the promoter was killed after it."""
    said = {"ts": "2026-01-05T10:00:00+00:00", "actor": "test", "action": "promote", "why": "test", "week": "2026-01-05"}
    Ledger(home).append("small", adapter=adapter, receipts={}, **said)


def test_before_the_first_promotion_nothing_is_published(home: Home) -> None:
    """No flag, no file."""
    assert settle(home, "small") is None
    assert not home.flags.exists()


def test_a_promotion_that_was_killed_before_its_flag_is_finished(home: Home) -> None:
    """F21: once, and settling again changes nothing."""
    enter(home, A)
    found = settle(home, "small")
    assert found == Rollout(A, head=Ledger(home).head("small"))
    before = home.flags.read_bytes()
    assert settle(home, "small") == found
    assert home.flags.read_bytes() == before


def test_the_next_promotion_keeps_a_shadow_that_is_another(home: Home) -> None:
    """What shadows goes on shadowing, unless it is what became live."""
    enter(home, A)
    settle(home, "small")
    Flags(home).publish("small", Rollout(A, shadow=B, head=Ledger(home).head("small")), seen=1)
    enter(home, "c" * 64)
    third = settle(home, "small")
    assert third is not None
    assert (third.live, third.shadow) == ("c" * 64, B)
    enter(home, B)
    fourth = settle(home, "small")
    assert fourth is not None
    assert (fourth.live, fourth.shadow) == (B, None)
