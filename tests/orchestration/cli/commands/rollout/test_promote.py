"""Promotion by hand: who may become live, on evidence that is looked at again."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ratchet.core.errors import RatchetError
from ratchet.gates.registry import GATES
from ratchet.ingest.rebuild import open_warehouse
from ratchet.storage.home import Home
from ratchet.storage.rollout.flag_file import Flags
from ratchet.storage.rollout.ledger import Ledger
from ratchet.workflows.rollout.reconcile import reconcile

pytestmark = [pytest.mark.xdist_group("cli_cycle"), pytest.mark.slow]


@pytest.mark.feature(10)
def test_without_a_terminal_and_without_yes_nothing_is_written(call: Any, ran_home: Path) -> None:
    """The error names the option that answers the question."""
    done = call("--home", ran_home, "promote", "tickets", "--why", "better")
    assert done.code == 1
    assert "--yes" in done.err
    assert not (ran_home / "tickets" / "ledger.jsonl").exists()


def test_a_candidate_that_passed_becomes_live_with_its_receipts(call: Any, ran_home: Path) -> None:
    """One entry: who, why, which adapter of which week, and the digest of every gate's receipt; then it is live
    already."""
    done = call("--home", ran_home, "promote", "tickets", "--why", "better on refunds", "--yes", "--json")
    assert done.code == 0, done.err
    (entry,) = Ledger(Home(ran_home)).entries("tickets")
    assert json.loads(done.out)["adapter"] == entry.adapter
    assert (entry.action, entry.why, entry.week, entry.previous_adapter) == (
        "promote",
        "better on refunds",
        "2026-01-05",
        None,
    )
    assert entry.actor
    assert set(entry.receipts) == set(GATES)
    shown = json.loads(call("--home", ran_home, "status", "tickets", "--json").out)["classifiers"][0]
    assert shown["live"]["adapter"] == entry.adapter
    assert shown["candidate"]["verdict"] == "passed"
    again = call("--home", ran_home, "promote", "tickets", "--why", "again", "--yes")
    assert again.code == 2
    assert "is live already" in again.err
    assert len(Ledger(Home(ran_home)).entries("tickets")) == 1


def test_a_promotion_that_is_killed_half_way_is_finished_by_the_next(call: Any, ran_home: Path) -> None:
    """F21: kill -9 between ledger and flag; the next promotion writes the flag first, and promotes nothing twice."""
    words = ["--home", str(ran_home), "promote", "tickets", "--why", "better", "--yes"]
    command = [sys.executable, "-c", "import sys; from orchestration.cli.app import main; sys.exit(main())", *words]
    environment = {**os.environ, "RATCHET_FAILPOINT": "promotion.after_ledger:kill"}
    killed = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    home = Home(ran_home)
    (entry,) = Ledger(home).entries("tickets")
    assert not home.flags.exists()
    assert "is live already" in call(*words).err
    assert Flags(home).read().rollouts["tickets"].live == entry.adapter
    assert len(Ledger(home).entries("tickets")) == 1


def edit_receipt(home: Home) -> None:
    """Turn a stored figure without renewing the digest."""
    path = next(home.root.glob("tickets/receipts/*/golden_set_regression.json"))
    path.write_text(path.read_text().replace('"accuracy": ', '"accuracy": 0.9999, "was": ', 1))


def drop_receipt(home: Home) -> None:
    """Lose one gate's receipt."""
    next(home.root.glob("tickets/receipts/*/leakage.json")).unlink()


def change_policy(home: Home) -> None:
    """Loosen a limit after the fact."""
    path = home.spec("tickets")
    path.write_text(path.read_text().replace("golden_floor = 0.6", "golden_floor = 0.1"))


def flip_weights(home: Home) -> None:
    """Change one byte of the adapter."""
    path = next(home.root.glob("tickets/adapters/*/*.safetensors"))
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)


def run_sql(sql: str) -> Callable[[Home], None]:
    """Change the stored answers."""

    def plant(home: Home) -> None:
        with open_warehouse(home, "tickets").connect() as connection:
            connection.execute(sql)

    return plant


def grow_golden(home: Home) -> None:
    """Add an item to the golden set after the cycle."""
    with home.golden("tickets").open("a") as file:
        file.write('{"text": "a new one", "label": "amber"}\n')


def promote_another(home: Home) -> None:
    """Make something else live meanwhile."""
    content = {"ts": "2026-01-13T00:00:00+00:00", "actor": "x", "action": "promote", "why": "x", "week": "2026-01-05"}
    Ledger(home).append("tickets", adapter="f" * 64, receipts={}, **content)


FAULTS = {
    "edited receipt": (edit_receipt, 1, "does not match its digest"),
    "lost receipt": (drop_receipt, 2, "no verdict of leakage"),
    "loosened policy": (change_policy, 2, "classifier.toml changed"),
    "flipped weights": (flip_weights, 1, "adapter"),
    "wrong golden answers": (
        run_sql("UPDATE predictions SET predicted = 'violet' WHERE split = 'golden' AND label = 'amber'"),
        2,
        "checked again, golden_set_regression blocks it",
    ),
    "wrong test answers": (
        run_sql("UPDATE predictions SET predicted = 'violet' WHERE split = 'test' AND label = 'amber'"),
        2,
        "does not follow from the stored answers",
    ),
    "lost answers": (run_sql("DELETE FROM predictions WHERE split = 'golden' AND label = 'amber'"), 2, "golden items"),
    "golden grew": (grow_golden, 2, "golden.jsonl holds 31"),
    "another live": (promote_another, 2, "ffffffffffff is live now"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_evidence_that_does_not_hold_any_more_promotes_nothing(call: Any, ran_home: Path, fault: str) -> None:
    """Each part of the evidence is planted wrong in turn: refused with the reason, and the ledger stays as it was."""
    plant, code, said = FAULTS[fault]
    home = Home(ran_home)
    plant(home)
    with suppress(RatchetError):
        reconcile(home, "tickets")  # an entry planted without a policy is sealed as that of a former version is
    before = Ledger(home).entries("tickets")
    done = call("--home", ran_home, "promote", "tickets", "--why", "better", "--yes")
    assert done.code == code, done.err
    assert said in done.err
    assert "Traceback" not in done.err
    assert Ledger(home).entries("tickets") == before
