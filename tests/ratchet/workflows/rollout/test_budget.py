"""The year's error on a real signed ledger: what is refused, what holds, and where it is shown."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestration.cli.app import main
from ratchet.core.errors import BlockedError, RatchetError
from ratchet.storage.home import Home
from ratchet.testing.homes import SmallClassifier, keep_receipts
from ratchet.workflows.log import OVERRIDE, read_log
from ratchet.workflows.rollout.budget import load_budget, need_room
from ratchet.workflows.rollout.reconcile import record
from ratchet.workflows.rollout.view import load_view

A, B, C = "a" * 64, "b" * 64, "c" * 64
NOW = datetime.now(UTC).replace(microsecond=0)


def move(home: Home, action: str, adapter: str, **changed: Any) -> None:
    """Write an entry of the ledger."""
    receipts = keep_receipts(home, "small", "2026-01-05", adapter) if action in {"promote", "shadow"} else {}
    said = {"actor": "ann", "why": "because", "week": "2026-01-05", "ts": NOW.isoformat(), **changed}
    record(home, "small", action=action, adapter=adapter, receipts=receipts, **said)


@pytest.fixture(scope="session")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """One model is live, under a sealed policy of two cycles a year."""
    home = Home(tmp_path_factory.mktemp("budget") / "home")
    SmallClassifier(home).write("[promotion]\ncycles_per_year = 2\n")
    move(home, "promote", A)
    return home


@pytest.fixture
def home(begun: Home, tmp_path: Path) -> Home:
    """A copy of one's own."""
    return Home(Path(shutil.copytree(begun.root, tmp_path / "home")))


@pytest.mark.parametrize("missing", [{"why": " "}, {"actor": ""}, {"actor": "uid 1000"}])
def test_an_override_without_name_or_reason_is_not_written(home: Home, missing: dict[str, str]) -> None:
    """However it comes to the ledger; the one with both is written, counted and marked in the log."""
    with pytest.raises(RatchetError, match="an override needs"):
        move(home, "promote", B, **missing)
    assert load_budget(home, "small").charges == ()
    move(home, "promote", B)
    assert load_budget(home, "small").sentence == "this year 2.5 of 5 % spent, 1 override among it"
    found = [entry for entry in read_log(home, "small").entries if entry.what.endswith(OVERRIDE)]
    assert [(entry.event, entry.actor, entry.why) for entry in found] == [("promote", "ann", "because")]


def test_a_spent_year_lets_no_rollout_in_and_every_screen_says_so(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two rollouts of two: a third is refused, in words that say when; a year later it may enter."""
    for _ in range(2):
        need_room(home, "small")
        move(home, "shadow", B)
        move(home, "expire", A, previous_adapter=B)
    with pytest.raises(BlockedError, match=r"^Held: the error .* is spent \(this year 5.0 of 5 % spent: 2 rollouts"):
        need_room(home, "small")
    need_room(home, "small", NOW + timedelta(weeks=52, seconds=1))
    assert load_view(home, "small", NOW).budget.startswith("this year 5.0 of 5 % spent; no rollout enters: the error")
    assert main(["--home", str(home.root), "status", "small", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)["classifiers"][0]["error_budget"]
    assert (shown["rollouts"], shown["overrides"], shown["spent"]) == (2, 0, pytest.approx(0.05))
    assert main(["--home", str(home.root), "status", "small"]) == 0
    assert "this year 5.0 of 5 % spent; no rollout enters" in capsys.readouterr().out
    move(home, "promote", C)  # a person still may
    assert load_budget(home, "small").is_exceeded
