"""The quarantine's file: signed, chained, append-only, and what a kill or a careless hand leaves of it."""

import json
import os
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from ratchet.core.cycle import Cycle
from ratchet.core.errors import RatchetError
from ratchet.core.verdict import Verdict
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.storage.rollout.quarantine import Quarantine
from ratchet.storage.rollout.shadow_pairs import Pairs
from ratchet.testing.damaged_lines import DAMAGE_OF_LINES, UNCHAINED, edit
from ratchet.testing.homes import SmallClassifier

WEEK = "2026-01-05"
FAILED, PASSED = Verdict("failed", "Fails: bad."), Verdict("passed", "Passes.")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with the classifier `small`."""
    SmallClassifier(Home(tmp_path)).write()
    return Home(tmp_path)


def take(home: Home, verdict: Verdict, rows: str = "r1", gate: str = "label_agreement") -> str:
    """What a verdict on the week changes."""
    return Quarantine(home).take("small", WEEK, gate, verdict, rows, "test")


def test_a_blocked_week_is_held_until_its_gate_passes_or_a_person_says_so(home: Home) -> None:
    """Each change is one line with time, actor, week, gate and reason."""
    quarantine = Quarantine(home)
    assert (take(home, FAILED), take(home, FAILED)) == ("hold", "")
    assert quarantine.state("small").weeks == (WEEK,)
    assert take(home, PASSED, "r2") == "release"
    assert quarantine.state("small").weeks == ()
    take(home, FAILED, "r3")
    assert quarantine.unquarantine("small", WEEK, "reviewed", "ann") == ["label_agreement"]
    assert (take(home, FAILED, "r3"), quarantine.state("small").weeks) == ("", ())
    assert take(home, FAILED, "r4") == "hold"
    lines = [json.loads(line) for line in home.quarantine("small").read_text().splitlines()]
    assert [line["action"] for line in lines] == ["hold", "release", "hold", "unquarantine", "hold"]
    assert {"ts", "actor", "week", "gate", "why", "digest", "signature"} <= set(lines[3])
    assert (lines[3]["actor"], lines[3]["why"]) == ("ann", "reviewed")
    with pytest.raises(RatchetError, match=r"2026-01-12 of small is not quarantined \(quarantined: 2026-01-05\)"):
        quarantine.unquarantine("small", "2026-01-12", "why", "ann")


DAMAGE = {**DAMAGE_OF_LINES, "an edited week": (edit(WEEK, "2026-01-12"), UNCHAINED)}


@pytest.mark.parametrize("damage", DAMAGE)
def test_nothing_trains_on_a_quarantine_that_was_edited_and_no_vote_counts(home: Home, damage: str) -> None:
    """An error that names the file; a rollout that runs loses its votes and holds, its other guardrails work on."""
    for rows in ("r1", "r2"):
        take(home, FAILED, rows)
    change, says = DAMAGE[damage]
    change(home.quarantine("small"))
    with pytest.raises(RatchetError, match=says):
        Quarantine(home).state("small")
    assert Pairs(home, None)._held_sql("small") == "true"  # type: ignore[arg-type]


def test_a_torn_line_is_cut_and_the_next_one_continues_the_chain(home: Home) -> None:
    """It was never acknowledged."""
    take(home, FAILED)
    with home.quarantine("small").open("a") as file:
        file.write('{"sequence": 2, "ts"')
    assert take(home, PASSED) == "release"
    assert [entry.action for entry in Quarantine(home).entries("small")] == ["hold", "release"]


@pytest.mark.parametrize(("point", "written"), [("before_line", 0), ("before_checkpoint", 1)])
def test_a_kill_while_writing_leaves_the_week_to_the_next_run(home: Home, point: str, written: int) -> None:
    """Nothing is half written; the verdict asks for the same line again, unless it stands without its checkpoint."""
    code = (
        "import sys; from pathlib import Path; from ratchet.core.verdict import Verdict\n"
        "from ratchet.storage.home import Home; from ratchet.storage.rollout.quarantine import Quarantine\n"
        f"Quarantine(Home(Path(sys.argv[1]))).take('small', '{WEEK}', 'row_quality', Verdict('failed', 'x'), 'r', 'me')"
    )
    environment = {**os.environ, "RATCHET_FAILPOINT": f"quarantine.{point}:kill"}
    done = subprocess.run([sys.executable, "-c", code, str(home.root)], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(Quarantine(home).entries("small")) == written
    assert take(home, FAILED, "r", gate="row_quality") == ("" if written else "hold")
    assert take(home, FAILED, "other", gate="row_quality") == "hold"
    home.quarantine("small").write_text("")
    with pytest.raises(RatchetError, match="the signed checkpoint vouches"):
        Quarantine(home).entries("small")


def test_a_quarantine_of_before_gets_its_checkpoint_with_the_next_line(home: Home) -> None:
    """Until then nothing vouches for its end."""
    take(home, FAILED)
    home.quarantine("small").with_name("quarantine_checkpoint.txt").unlink()
    assert Quarantine(home).state("small").weeks == (WEEK,)
    take(home, PASSED)
    assert len(Quarantine(home).entries("small")) == 2
    home.quarantine("small").unlink()
    with pytest.raises(RatchetError, match="vouches for 2"):
        Quarantine(home).entries("small")


def test_a_week_that_a_former_version_blocked_is_held_and_stays_so_when_it_runs_again(home: Home) -> None:
    """By its receipt, which a new run removes: the hold is written down first. A damaged receipt may have failed."""
    cycle, receipts, quarantine = Cycle("small", date(2026, 1, 5)), Receipts(home), Quarantine(home)
    receipts.write(cycle, "golden_agreement", FAILED, {})
    receipts.write(cycle, "leakage", FAILED, {})
    assert {gate: hold.why for gate, hold in quarantine.state("small").held[WEEK].items()} == {
        "golden_agreement": "Fails: bad."
    }
    quarantine.adopt("small", WEEK, "test")
    quarantine.adopt("small", WEEK, "test")
    receipts.clear(cycle)
    assert [(entry.action, entry.gate) for entry in quarantine.entries("small")] == [("hold", "golden_agreement")]
    assert quarantine.state("small").weeks == (WEEK,)
    other = home.receipts(Cycle("small", date(2026, 1, 12))) / "row_quality.json"
    other.parent.mkdir(parents=True)
    other.write_text("{}")
    assert quarantine.state("small").weeks == (WEEK, "2026-01-12")
