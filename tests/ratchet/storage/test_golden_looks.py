"""Looks at a golden set are counted by candidate and digest, of receipts of before too, and advise an exchange."""

from pathlib import Path

import pytest

from orchestration.cli.app import main
from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.verdict import Verdict
from ratchet.gates.golden_looks import REFRESH_AFTER, suggest_refresh
from ratchet.storage.golden_looks import GoldenLooks
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.storage.specs import Specs
from ratchet.testing.homes import SmallClassifier
from ratchet.workflows.doctor.classifiers import examine_classifiers
from ratchet.workflows.golden_use import describe_golden_use, note_look

CYCLE = Cycle("small", parse_week("2026-01-05"))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A classifier with thirty golden items."""
    found = Home(tmp_path)
    SmallClassifier(found).write()
    return found


def test_each_candidate_counts_once_for_each_golden_set(home: Home) -> None:
    """Judged again, it is no new look; a torn or strange line is passed over; receipts of before the file count."""
    looks = GoldenLooks(home, "small")
    assert looks.count("g") == 0
    for golden, adapter in (("g", "a"), ("g", "a"), ("g", "b"), ("h", "a")):
        looks.add(CYCLE, golden, adapter)
    assert [looks.count(golden) for golden in ("g", "h", "i")] == [2, 1, 0]
    with home.golden_looks("small").open("a") as file:
        file.write('[]\nnot json\n{"golden": "g", "adap')
    looks.add(CYCLE, "g", "c")
    assert looks.count("g") == 3
    for adapter in ("c", "of before"):
        binds = {"golden": "g", "adapter": adapter}
        Receipts(home).write(CYCLE, "golden_set_regression", Verdict("passed", "fine"), binds)
        Receipts(home).keep(CYCLE)
    assert looks.count("g") == 4


def test_status_and_doctor_count_and_advise(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """From a year of weekly looks on the advice names how many items to exchange; before that there is none."""
    golden = Specs(home).golden("small")
    assert note_look(home, CYCLE, golden, "a0")["looks_sentence"] == "This golden set has judged 1 candidate."
    for number in range(1, REFRESH_AFTER - 1):
        note_look(home, CYCLE, golden, f"a{number}")
    found = describe_golden_use(home, "small")
    assert found is not None
    assert (found["items"], found["looks"], found["advice"]) == (30, REFRESH_AFTER - 1, "")
    last = note_look(home, CYCLE, golden, "last")
    assert last["looks_sentence"].startswith(
        "This golden set has judged 52 candidates. Exchange about 8 of its 30 items"
    )
    (finding,) = [each for each in examine_classifiers(home, {}) if each.what == "looks at the golden set of small"]
    assert (finding.state, finding.cure) == ("warn", suggest_refresh(30, 52))
    assert main(["--home", str(home.root), "status", "small"]) == 0
    assert "30 items; it has judged 52 candidates. Exchange about 8 of its 30 items" in capsys.readouterr().out
