"""A home of before, whose policy no entry seals: a rollback needs its ledger and key alone, and a gateway seals it."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from ratchet.core.errors import RatchetError
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger
from ratchet.testing.homes import WORDS, SmallClassifier, write_pairs
from ratchet.workflows.rollout.advance import apply_decision, weigh
from ratchet.workflows.rollout.reconcile import record
from ratchet.workflows.rollout.upgrade import seal_at_start

A, B = "a" * 64, "b" * 64
WEEK = date(2026, 1, 5)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A candidate answers a quarter of the users; entries seal nothing, since the file cannot be read."""
    home = Home(tmp_path)
    SmallClassifier(home).write()
    home.spec("small").rename(home.root / "kept.toml")
    home.spec("small").write_text("[")
    said = {"ts": datetime.now(UTC).isoformat(), "actor": "test", "why": "test", "week": str(WEEK), "receipts": {}}
    for action, adapter, percent in (("promote", A, 0), ("shadow", B, 0), ("step", B, 25)):
        record(home, "small", action=action, adapter=adapter, percent=percent, **said)
    assert not any(entry.policy for entry in Ledger(home).entries("small"))
    return home


def pairs(home: Home, error: str) -> None:
    """Requests that both answered, the candidate with `error`."""
    labels = list(WORDS)
    rows = [(f"{WEEK}-{n:04d}", labels[n % 3], labels[n % 3]) for n in range(60)]
    write_pairs(home, "small", (A, B), 3, rows, error=error)


def test_a_bad_candidate_is_rolled_back_though_no_policy_can_be_read(home: Home) -> None:
    """By the limits of the defaults, which the sentence says; with sound answers nothing moves, and the command says
    which file is broken."""
    held = weigh(home, "small", may_rebuild=False).decision
    assert held.action == "hold"
    assert "no policy is sealed" in held.sentence
    assert "classifier.toml" in held.sentence
    with pytest.raises(RatchetError, match=r"classifier\.toml"):
        weigh(home, "small")
    pairs(home, "out of memory")
    weighed = weigh(home, "small", may_rebuild=False)
    assert weighed.decision.action == "rollback"
    assert "so the default limits count" in weighed.decision.sentence
    assert apply_decision(home, "small", weighed) is not None
    assert Ledger(home).state("small").challenger is None


def test_a_start_seals_it_or_says_why_not(home: Home) -> None:
    """A file that cannot be read, a user who cannot sign; once both can, it is sealed, and later starts do nothing."""
    assert "classifier.toml cannot be read" in seal_at_start(home, "small")
    (home.root / "kept.toml").rename(home.spec("small"))
    home.signing_key.rename(home.root / "kept.pem")
    assert "this process cannot read signing_key.pem" in seal_at_start(home, "small")
    (home.root / "kept.pem").rename(home.signing_key)
    for _ in range(2):
        assert seal_at_start(home, "small") == ""
    assert [entry.action for entry in Ledger(home).entries("small")] == ["promote", "shadow", "step", "policy"]
    SmallClassifier(home, "fresh").write()
    assert seal_at_start(home, "fresh") == ""
    home.ledger("small").write_text("{}\n")
    assert "its policy could not be sealed" in seal_at_start(home, "small")
