"""`ratchet gates` and `ratchet backtest` on a home of three weeks: one blocked and released, one promoted, one held."""

import csv
import io
import json
import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from orchestration.cli.commands.look.gates import parse_since
from ratchet.config.policy import Limits
from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.errors import UsageError
from ratchet.core.verdict import Verdict
from ratchet.gates.label_agreement import decide_agreement, with_earlier_weeks
from ratchet.gates.label_distribution import decide_distribution
from ratchet.metrics.agreement import Agreement
from ratchet.rollout.evidence.counts import Evidence
from ratchet.storage.gate_history import GateHistory
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.testing.homes import SmallClassifier
from ratchet.workflows.backtest import backtest
from ratchet.workflows.gate_record import read_record
from ratchet.workflows.rollout.reconcile import record

A, B = "a" * 64, "b" * 64
FIRST, SECOND, THIRD = "2026-01-05", "2026-01-12", "2026-01-19"
SHIFT = {"train": {"amber": 300, "green": 300}, "production": {"amber": 150, "green": 50}}


def judge(home: Home, week: str, gate: str, verdict: Verdict) -> None:
    """Write a verdict as a check does: its receipt, and its line of the history."""
    GateHistory(home).append(Receipts(home).write(Cycle("small", parse_week(week)), gate, verdict, {}))


@pytest.fixture(scope="module")
def blocked(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Home whose first week made A, live now; the second was blocked, corrected, and its B rejected in the shadow."""
    home = Home(tmp_path_factory.mktemp("blocked") / "home")
    SmallClassifier(home).write()
    agreed, refused = (
        with_earlier_weeks(decide_agreement(Agreement(60, alike / 60, by_label={}), Limits()), {}) for alike in (57, 40)
    )
    moved = decide_distribution(SHIFT["train"], SHIFT["production"], ["amber", "green"], 0.1, ["amber", "green"])
    for week, verdict in ((FIRST, agreed), (SECOND, refused), (SECOND, agreed)):
        judge(home, week, "label_agreement", verdict)
    judge(home, THIRD, "label_agreement", refused)
    judge(home, FIRST, "label_distribution", moved)
    Receipts(home).note(Cycle("small", parse_week(FIRST)), adapter=A)
    Receipts(home).note(Cycle("small", parse_week(SECOND)), adapter=B)
    counts = Evidence(requests=400, compared=400, answered=0, digests=2, stream_disagreements=40, losses=39, wins=1)
    figures = {"whole": counts.as_json(), "step": counts.as_json()}
    fixed = {"actor": "test", "why": "test", "receipts": {}}
    record(home, "small", action="promote", adapter=A, week=FIRST, ts=f"{FIRST}T09:00:00+00:00", **fixed)
    record(home, "small", action="shadow", adapter=B, week=SECOND, ts=f"{SECOND}T09:00:00+00:00", **fixed)
    record(home, "small", action="reject", adapter=A, previous_adapter=B, week=SECOND, evidence=figures,
           ts=f"{SECOND}T19:00:00+00:00", **fixed)  # fmt: skip
    return home


@pytest.fixture
def copied(blocked: Home, tmp_path: Path) -> Home:
    """A copy of that home to do with as one likes."""
    return Home(Path(shutil.copytree(blocked.root, tmp_path / "home")))


def test_a_gate_names_what_it_blocked_and_what_became_of_it(blocked: Home) -> None:
    """A week that passed later counts as released, though its receipt of before is gone; the third is blocked still."""
    found = read_record(blocked, "small", date(2026, 1, 1), datetime.now(UTC))
    rows = {row["gate"]: row for row in found.rows()}
    assert list(rows) == ["label_agreement", "label_distribution"]
    agreement = {key: rows["label_agreement"][key] for key in ("verdicts", "blocked", "released", "rolled back later")}
    assert agreement == {"verdicts": 4, "blocked": 2, "released": 1, "rolled back later": 1}
    assert rows["label_distribution"]["blocked"] == 0
    assert [(block.week, block.by, block.fate.word) for block in found.blocks] == [
        (SECOND, "gate", "rejected"), (THIRD, "", "none"),
    ]  # fmt: skip
    later = read_record(blocked, "small", date(2026, 1, 1), datetime(2999, 1, 1, tzinfo=UTC))
    assert later.blocks[1].days_lost > found.blocks[1].days_lost + 1000


def test_the_list_is_the_same_in_every_form(call: Any, blocked: Home) -> None:
    """Text, JSON and CSV; two forms at once are wrong usage, and so is a time that cannot be read."""
    words = ("--home", blocked.root, "gates", "small")
    shown = call(*words)
    assert (shown.code, "still blocked" in shown.out, "its candidate was rejected" in shown.out) == (0, True, True)
    document = json.loads(call(*words, "--json").out)
    rows = list(csv.DictReader(io.StringIO(call(*words, "--csv").out)))
    assert [row["week"] for row in rows] == [block["week"] for block in document["blocks"]] == [SECOND, THIRD]
    assert document["gates"][0]["blocked"] == 2
    assert call(*words, "--csv", "--json").code == 64
    assert call(*words, "--since", "lately").code == 64
    assert "no gate of small" in call(*words, "--since", "2999-01-01").out


def test_receipts_of_before_the_history_count(copied: Home) -> None:
    """A home without the file has what its receipts say, at the time of their run."""
    (copied.classifier("small") / "gate_history.jsonl").unlink()
    folder = copied.report(Cycle("small", parse_week(THIRD)))
    folder.mkdir(parents=True)
    run = {"metadata": {"generated_at": "2026-01-19T10:00:00+00:00"}, "results": [{"status": "copied"}]}
    (folder / "run_results.json").write_text(json.dumps(run))
    found = read_record(copied, "small", date(2026, 1, 1), datetime(2026, 1, 22, 10, tzinfo=UTC))
    assert [(block.week, block.days_lost) for block in found.blocks] == [(THIRD, 3.0)]


@pytest.mark.parametrize(("word", "day"), [("52w", "2025-03-03"), ("90d", "2025-12-02"), ("2026-01-05", "2026-01-05")])
def test_a_time_is_weeks_days_or_a_day(word: str, day: str) -> None:
    """Counted from today."""
    assert str(parse_since(word, date(2026, 3, 2))) == day


@pytest.mark.parametrize("word", ["", "w", "52", "99999w", "-3d", "2026-13-01"])
def test_another_time_is_wrong_usage(word: str) -> None:
    """The error says what a time looks like."""
    with pytest.raises(UsageError, match="is not a time"):
        parse_since(word, date(2026, 3, 2))


def test_another_policy_turns_what_its_limits_decide(call: Any, blocked: Home, tmp_path: Path) -> None:
    """A lower limit of agreement lets the third week pass; a shift that is allowed stays a pass, and is no flip."""
    new = tmp_path / "new.toml"
    new.write_text("[limits]\nmin_agreement = 0.6\nmax_label_divergence = 0.9\n")
    words = ("--home", blocked.root, "backtest", "small", "--policy", new)
    document = json.loads(call(*words, "--json").out)
    turned = [
        (each["week"], each["what"], each["then"], each["now"]) for each in document["decisions"] if each["flips"]
    ]
    assert turned == [(THIRD, "label_agreement", "failed", "passed")]
    assert {(each["what"], each["then"], each["now"]) for each in document["decisions"]} >= {
        ("label_distribution", "warned", "passed")
    }
    shown = call(*words)
    assert (shown.code, "limits.min_agreement: 0.9 -> 0.6" in shown.out) == (0, True)
    assert f"1 of {len(document['decisions'])} stored decisions would be others" in shown.out
    assert not [line for line in call(*words, "--all").out.splitlines() if line.startswith("note")]


def test_a_setting_that_counts_rows_asks_for_a_new_run(call: Any, copied: Home, tmp_path: Path) -> None:
    """The list says what cannot be derived, and counts it as neither."""
    judge(copied, FIRST, "leakage", Verdict("passed", "Passes.", {"leaks": []}))
    new = tmp_path / "new.toml"
    new.write_text("[limits]\nnear_duplicate_jaccard = 0.7\n")
    shown = call("--home", copied.root, "backtest", "small", "--policy", new)
    assert (
        "leakage: its receipt does not tell what limits.near_duplicate_jaccard changes: run the week again" in shown.out
    )
    assert "1 cannot be derived again" in shown.out


def test_a_rollout_is_decided_again_from_its_ledger(blocked: Home, tmp_path: Path, call: Any) -> None:
    """A candidate that was rejected by its evidence holds under a margin that excuses everything."""
    new = tmp_path / "new.toml"
    for margin, action in ((0.02, "reject"), (0.5, "hold")):
        new.write_text(f"[promotion]\nmargin = {margin}\n")
        found = call("--home", blocked.root, "backtest", "small", "--policy", new, "--json")
        rollout = [each for each in json.loads(found.out)["decisions"] if each["kind"] == "rollout"]
        assert [(each["then"], each["now"]) for each in rollout] == [("reject", action)], found.out
        assert rollout[0]["later"].startswith("was rejected")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not exist"),
        ("[limits", "is not valid TOML"),
        ("[window]\nweeks = 3\n", "has neither"),
        ("[limits]\nmin_agreemnt = 0.6\n", "line 2: unknown key limits.min_agreemnt"),
        ("[limits]\nmin_agreement = 'much'\n", "line 2: limits.min_agreement is not valid"),
        ("[limits]\nmin_agreement = 7\n", "min_agreement"),
        ("[promotion]\nsteps = [50, 5]\n", "does not rise to 100"),
    ],
)
def test_a_policy_that_cannot_be_tried_is_one_sentence(
    call: Any, blocked: Home, tmp_path: Path, content: str | None, message: str
) -> None:
    """Nothing is decided by half a policy."""
    new = tmp_path / "new.toml"
    if content is not None:
        new.write_text(content)
    shown = call("--home", blocked.root, "backtest", "small", "--policy", new)
    assert (shown.code, shown.out) == (1, "")
    assert message in shown.err


def test_nothing_is_changed(blocked: Home, call: Any, tmp_path: Path) -> None:
    """Both commands only read: every file of the classifier is as before."""
    new = tmp_path / "new.toml"
    new.write_text("[promotion]\nmargin = 0.05\n")

    def files() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in blocked.classifier("small").rglob("*") if path.is_file()}

    before = files()
    assert call("--home", blocked.root, "gates", "small").code == 0
    assert call("--home", blocked.root, "backtest", "small", "--policy", new).code == 0
    assert files() == before


def test_a_damaged_receipt_is_named_and_the_rest_is_decided(copied: Home) -> None:
    """One file that was edited hides no other."""
    from ratchet.storage.policy_file import TriedPolicy
    from ratchet.storage.specs import Specs

    path = copied.receipts(Cycle("small", parse_week(FIRST))) / "label_agreement.json"
    path.write_text(path.read_text().replace("passed", "failed"))
    spec = Specs(copied)["small"]
    found = backtest(copied, "small", spec.limits, TriedPolicy(spec.limits, spec.promotion))
    assert [(each.week, each.then, each.now) for each in found if each.then == "damaged"] == [(FIRST, "damaged", "")]
    assert len(found) == 5
