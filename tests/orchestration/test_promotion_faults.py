"""The commands that move a rollout, killed at every boundary and two at once: what they leave, the next command
finishes."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from orchestration.cli.app import main
from ratchet.core.cycle import Cycle
from ratchet.gates.registry import MODEL_GATES
from ratchet.rollout.signatures import read_checkpoint
from ratchet.storage.home import Home
from ratchet.storage.keys.gate_key import gate_key
from ratchet.storage.keys.key_pair import public_key
from ratchet.storage.receipt_file import read_receipt
from ratchet.storage.rollout.flag_file import Flags
from ratchet.storage.rollout.ledger import Ledger
from ratchet.testing.homes import WORDS, write_pairs
from ratchet.workflows.rollout.nominate import nominate, shadow
from ratchet.workflows.verify import verify_ledger
from ratchet.workflows.verify_receipt import verify_receipt

ROOT = Path(__file__).parents[2]
RATCHET = [sys.executable, "-c", "import sys; from orchestration.cli.app import main; sys.exit(main())"]
WEEK = date(2026, 1, 12)
BOUNDARIES = ("ledger.before_checkpoint", "promotion.after_ledger", "flags.before_write", "flags.after_write")
MOVES: dict[str, tuple[list[str], str, int]] = {
    "advance": (["advance", "small"], "step", 0),
    "promote": (["--yes", "promote", "small", "--skip-shadow", "--why", "by hand"], "promote", 2),
    "rollback": (["rollback", "small", "--why", "complaints"], "rollback", 0),
}
"""By command: its words, the entry that it writes, and how it exits when it finds its killed twin's entry."""
SHORT = tuple(zip(BOUNDARIES, ("advance", "rollback", "promote", "advance"), strict=True))
pytestmark = [
    pytest.mark.xdist_group("rollouts"),
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def ready(passed: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The candidate of week two has shadowed for an hour, and its pairs carry the first step."""
    home = Home(Path(shutil.copytree(passed.root, tmp_path_factory.mktemp("ready") / "home", symlinks=True)))
    entry = shadow(home, nominate(home, "small"), now=datetime.now(UTC) - timedelta(hours=1))
    labels = list(WORDS)  # live is wrong on three requests: a candidate that answers all as live does is a copy
    rows = [(f"{WEEK}-{number:04d}", labels[(number + (number < 3)) % 3], labels[number % 3]) for number in range(80)]
    write_pairs(home, "small", (str(entry.previous_adapter), entry.adapter), entry.sequence, rows)
    return home


@pytest.fixture
def again(ready: Home, tmp_path: Path) -> Callable[[], Home]:
    """A home of one's own, each time anew."""

    def copy() -> Home:
        shutil.rmtree(tmp_path / "home", ignore_errors=True)
        return Home(Path(shutil.copytree(ready.root, tmp_path / "home", symlinks=True)))

    return copy


def start(home: Home, words: list[str], **environment: str) -> "subprocess.Popen[str]":
    """A command on a home."""
    command, variables = [*RATCHET, "--home", str(home.root), *words], {**os.environ, **environment}
    return subprocess.Popen(command, cwd=ROOT, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def agree(home: Home) -> None:
    """I3, I4: the flag follows from the ledger's newest entry, and so does the checkpoint; nothing else is amiss."""
    head = Ledger(home).head("small")
    assert Flags(home).read().rollouts["small"].head == head
    note = home.checkpoint("small").read_text()
    assert read_checkpoint(public_key(home.public_key), "small", note) == head
    assert [found.fault for found in verify_ledger(home, "small") if found.fault] == []


def kill_and_repeat(home: Home, move: str, boundary: str) -> None:
    """Kill the command at a boundary, give it again, and see one entry and agreement."""
    words, action, _ = MOVES[move]
    killed = start(home, words, RATCHET_FAILPOINT=f"{boundary}:kill")
    _, error = killed.communicate()
    assert killed.returncode == -signal.SIGKILL, error
    assert [entry.action for entry in Ledger(home).entries("small")] == ["promote", "shadow", action], (
        "written once it is intended"
    )
    # all that was asked for is there: nothing is left to take back
    done = (boundary, move) == ("flags.after_write", "rollback")
    assert main(["--home", str(home.root), *words]) == (1 if done else MOVES[move][2])
    assert [entry.action for entry in Ledger(home).entries("small")] == ["promote", "shadow", action], (
        "carried out twice"
    )
    agree(home)


@pytest.mark.parametrize(("boundary", "move"), SHORT)
def test_a_command_killed_at_a_boundary_is_finished_by_the_next(
    again: Callable[[], Home], boundary: str, move: str
) -> None:
    """F21, F28: each boundary, each command, short."""
    kill_and_repeat(again(), move, boundary)


def test_a_promoter_that_does_not_settle_first_is_noticed(
    again: Callable[[], Home], plant_in_copy: Callable[[str, str, str], dict[str, str]]
) -> None:
    """F21's mutant: what a killed command left half done stays so, and the flag is behind the ledger."""
    home = again()
    planted = plant_in_copy(
        "ratchet/workflows/rollout/advance.py",
        "    reconcile(home, classifier)  # what a killed",
        "    # what a killed",
    )
    start(home, MOVES["advance"][0], RATCHET_FAILPOINT="promotion.after_ledger:kill").communicate()
    repeated = start(home, MOVES["advance"][0], **planted)
    _, error = repeated.communicate()
    assert repeated.returncode == 0, error
    assert Flags(home).read().rollouts["small"].head != Ledger(home).head("small")


@pytest.mark.faults
@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_every_command_killed_at_every_boundary(
    again: Callable[[], Home], boundary: str, move: str, planned: Callable[[str, int], int]
) -> None:
    """F21, F28: twelve points, a fourth of P kills at each."""
    for _ in range(max(1, planned("P", 4) // 4)):
        kill_and_repeat(again(), move, boundary)


def meet(home: Home, words: list[str]) -> list[int]:
    """Two processes give the same command at once; how they exit, sorted."""
    both = [start(home, words) for _ in range(2)]
    said = [process.communicate()[1] for process in both]
    assert not [error for error in said if "Traceback" in error], said
    return sorted(process.returncode for process in both)


def test_of_two_who_advance_at_once_one_step_is_taken(again: Callable[[], Home]) -> None:
    """F22: one step, and whoever came second holds, or is told."""
    home = again()
    codes = meet(home, MOVES["advance"][0])
    assert codes in ([0, 0], [0, 1])
    assert [entry.action for entry in Ledger(home).entries("small")] == ["promote", "shadow", "step"]
    assert main(["--home", str(home.root), "advance", "small"]) == 0
    agree(home)


@pytest.mark.faults
@pytest.mark.parametrize("move", ["advance", "promote"])
def test_of_two_who_move_at_once_one_does_many_times(
    again: Callable[[], Home], move: str, planned: Callable[[str, int], int]
) -> None:
    """F22 with P races of two commands: one entry each."""
    seen = []
    for _ in range(planned("P", 1)):
        home = again()
        seen.append(meet(home, MOVES[move][0]))
        assert [entry.action for entry in Ledger(home).entries("small")] == ["promote", "shadow", MOVES[move][1]]
        assert main(["--home", str(home.root), *MOVES[move][0]]) == MOVES[move][2]
        agree(home)
    print(f"F22: {move}: exit codes {sorted(map(str, seen))}")  # noqa: T201 - shown by -rP


def test_a_rollback_needs_nothing_but_ledger_flags_and_key(again: Callable[[], Home]) -> None:
    """F28: warehouse, landing, receipts of cycles, adapters and Dagster's home are gone."""
    home = again()
    live = Ledger(home).live("small")
    for gone in ("production_logs", "corrections", "pairs", "adapters", "receipts", "reports", "tables"):
        shutil.rmtree(home.classifier("small") / gone, ignore_errors=True)
    shutil.rmtree(home.dagster, ignore_errors=True)
    home.warehouse("small").unlink()
    assert main(["--home", str(home.root), *MOVES["rollback"][0]]) == 0
    rollout = Flags(home).read().rollouts["small"]
    assert (rollout.adapters, rollout.head) == ({"live": live}, Ledger(home).head("small"))


@pytest.mark.parametrize("gate", sorted(MODEL_GATES))
def test_a_verdict_that_does_not_follow_from_the_stored_answers_is_a_fault(
    again: Callable[[], Home], gate: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """T18: a receipt that was signed with the gate key itself, whose verdict somebody wrote; the real one follows."""
    home = again()
    path = home.receipts(Cycle("small", WEEK)) / f"{gate}.json"
    assert main(["--home", str(home.root), "verify", str(path)]) == 0
    # the scan for triggers reads texts of other weeks as well, so its receipt is derived from its evidence alone
    by_answers = gate != "trigger_scan"
    assert ("follows from the stored answers" in capsys.readouterr().out) is by_answers
    receipt = read_receipt(path)
    forged = replace(receipt, verdict=replace(receipt.verdict, reason="Passes: believe me."))
    path.write_bytes(forged.sealed(gate_key(home), datetime.now(UTC)).content)
    assert [(each.what, bool(each.fault)) for each in verify_receipt(home, path)] == [
        ("receipt", False), ("chain", False), ("verdict", True), ("verdict in this home", by_answers),
        ("signature", False),
    ]  # fmt: skip
    assert main(["--home", str(home.root), "verify", str(path)]) == 1
