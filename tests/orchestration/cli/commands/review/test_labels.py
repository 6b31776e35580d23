"""`ratchet labels`: a rename through a whole cycle, a split through the review queue, and what stops halfway."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ratchet.core.errors import BlockedError, RatchetError
from ratchet.ingest.rebuild import open_warehouse
from ratchet.storage.home import Home
from ratchet.storage.review.label_rules import LabelRuleFile
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.specs import Specs
from ratchet.testing.homes import SmallClassifier, write_lines
from ratchet.workflows.doctor.classifiers import examine_classifiers
from ratchet.workflows.plan_cycle import plan_cycle
from ratchet.workflows.review.answer import land_corrections
from ratchet.workflows.review.label_rows import count_labels
from ratchet.workflows.review.queue import ReviewQueue
from ratchet.workflows.rollout.nominate import nominate
from ratchet.workflows.rollout.policy import enter_policy

pytestmark = [pytest.mark.xdist_group("rollouts"), pytest.mark.slow]
Command = Callable[..., "subprocess.CompletedProcess[str]"]
RATCHET = [sys.executable, "-c", "import sys; from orchestration.cli.app import main; sys.exit(main())"]


def edit(home: Home, old: str, new: str) -> None:
    """Change the file as a person does."""
    path = home.spec("small")
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))


def test_a_rename_goes_through_a_cycle_and_counts_for_no_error(passed: Home, tmp_path: Path, run_here: Command) -> None:
    """The file first, then the rule; rows, golden set and live's answers are read by it, and nothing is rewritten."""
    home = Home(Path(shutil.copytree(passed.root, tmp_path / "home")))
    ask = ("--home", home.root, "labels", "small")
    before = json.loads((home.reports("small") / "2026-01-12" / "eval_report.json").read_text())
    done = run_here(*ask, "rename", "green", "olive", "--why", "the new word")
    assert done.returncode == 1
    assert 'line 5: change name = "green" to name = "olive"' in done.stderr
    assert not home.review("small").joinpath("label_rules.jsonl").exists()

    edit(home, 'name = "green"', 'name = "olive"')
    with pytest.raises(RatchetError) as halfway:  # killed between file and rule: the next cycle names the command
        plan_cycle(home, "small", "latest")
    assert "ratchet labels small" in str(halfway.value.hint)
    shown = json.loads(run_here(*ask, "--json").stdout)
    assert shown["fault"] == "live answers green, which classifier.toml does not list: no cycle runs"

    done = run_here(*ask, "rename", "green", "olive", "--why", "the new word")
    assert done.returncode == 0, done.stderr
    assert "recorded: rule 1, green is now olive" in done.stdout
    assert "reads 60 labelled request(s) and 10 golden item(s) of it as olive" in done.stdout
    assert "live goes on answering green until an adapter with olive is promoted" in done.stdout
    assert "next: ratchet policy small --why TEXT" in done.stdout
    again = run_here(*ask, "rename", "green", "olive", "--why", "the new word")
    assert (again.returncode, again.stdout.splitlines()[0]) == (
        0, "recorded before, and nothing was added: rule 1, green is now olive",
    )  # fmt: skip

    done = run_here("--home", home.root, "cycle", "small", "--week", "2026-01-12")
    assert done.returncode == 0, done.stderr
    report = json.loads((home.reports("small") / "2026-01-12" / "eval_report.json").read_text())
    assert report["labels"] == ["amber", "olive", "violet"]
    assert report["live_metrics"]["test"]["macro_f1"] == pytest.approx(before["live_metrics"]["test"]["macro_f1"])
    assert report["golden"]["live_right"] == before["golden"]["live_right"]
    assert report["splits"]["train"]["classes"]["olive"] == before["splits"]["train"]["classes"]["green"]
    with pytest.raises(BlockedError, match="the policy in force does not know olive"):
        nominate(home, "small")
    enter_policy(home, "small", "the new word")
    assert nominate(home, "small").adapter == report["adapter"]  # with the weights of before it, and not a copy

    found = {each.what: each for each in examine_classifiers(home, {})}
    assert found["label rules of small"].found == "1 lines"
    assert "live goes on answering green for olive" in found["labels of small"].found
    assert found["labels of small"].state == "ok"
    assert "green is now olive" in run_here("--home", home.root, "log", "small", "--kind", "labels").stdout
    verified = run_here("--home", home.root, "verify", "small")
    assert "label rules" in verified.stdout
    assert "green (now olive)" in run_here(*ask).stdout
    assert '"label": "green"' in home.golden("small").read_text()

    edit(home, 'name = "olive"', 'name = "green"')  # the file goes back, the rule stands
    with pytest.raises(RatchetError, match="lists 'green', but rule 1 says that green is now olive"):
        plan_cycle(home, "small", "latest")
    assert {each.what: each.state for each in examine_classifiers(home, {})}["labels of small"] == "fail"


@pytest.mark.faults
@pytest.mark.parametrize("case", ["merge", "split"])
def test_a_merge_and_a_split_go_through_a_cycle(case: str, passed: Home, tmp_path: Path, run_here: Command) -> None:
    """Live's answers add up, or cover the parts: neither is a loss on the golden set, and the candidate may enter."""
    home = Home(Path(shutil.copytree(passed.root, tmp_path / "home")))
    before = json.loads((home.reports("small") / "2026-01-12" / "eval_report.json").read_text())
    if case == "merge":
        edit(home, '[[label]]\nname = "green"\n', "")
        words = ("merge", "green", "amber", "--into", "amber")
    else:
        edit(home, 'name = "green"', 'name = "parcel"\n\n[[label]]\nname = "courier"')
        golden = home.golden("small")
        golden.write_text(golden.read_text().replace('"green"', '"parcel"', 5).replace('"green"', '"courier"'))
        words = ("split", "green", "--into", "parcel,courier")
    done = run_here("--home", home.root, "labels", "small", *words, "--why", "x")
    assert done.returncode == 0, done.stderr
    if case == "split":
        texts = open_warehouse(home, "small").frame("SELECT request_id, text FROM production_logs ORDER BY ALL")
        rows = [
            {"request_id": row.request_id, "ts": datetime.now(UTC).isoformat(), "annotator": "ann_c",
             "label": "courier" if "courier" in row.text else "parcel", "saw_prediction": False}
            for row in texts.itertuples() if int(row.request_id[-4:]) % 3 == 1
        ]  # fmt: skip
        write_lines(home.landing("small", "corrections") / "again.jsonl", rows)
    enter_policy(home, "small", "x")
    done = run_here("--home", home.root, "cycle", "small", "--week", "2026-01-12")
    report = json.loads((home.reports("small") / "2026-01-12" / "eval_report.json").read_text())
    regression = report["checks"]["golden_set_regression"]
    assert regression["passed"], regression["reason"]
    if case == "merge":
        assert done.returncode == 0, done.stderr
        assert report["golden"]["live_right"] >= before["golden"]["live_right"]
        assert report["splits"]["train"]["classes"]["amber"] == sum(
            before["splits"]["train"]["classes"][label] for label in ("amber", "green")
        )
        assert nominate(home, "small").adapter == report["adapter"]
    else:
        assert set(report["splits"]["train"]["classes"]) == {"amber", "parcel", "courier", "violet"}
        answered = sum(report["splits"]["test"]["classes"][label] for label in ("parcel", "courier"))
        assert answered >= before["splits"]["test"]["classes"]["green"]  # they were drawn before, so they judge


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory, run_here: Command) -> Home:
    """A home with two weeks of rows, and nothing live. Copy it before changing anything."""
    small = SmallClassifier(Home(tmp_path_factory.mktemp("labels") / "home"))
    small.write()
    for week in (datetime(2026, 1, 5).date(), datetime(2026, 1, 12).date()):  # noqa: DTZ001 - a day
        small.write_week(week)
    assert run_here("--home", small.home.root, "ingest", "small").returncode == 0
    return small.home


@pytest.fixture
def home(ingested: Home, tmp_path: Path) -> Home:
    """A copy of one's own."""
    return Home(Path(shutil.copytree(ingested.root, tmp_path / "home")))


def test_a_split_asks_for_its_rows_again_and_a_new_label_for_examples(home: Home, run_here: Command) -> None:
    """Until somebody answers they have no label, and an answer counts at once; a retired label's rows are kept."""
    ask = ("--home", home.root, "labels", "small")
    edit(home, '[[label]]\nname = "violet"', '[[label]]\nname = "olive"\n\n[[label]]\nname = "violet"')
    done = run_here(*ask, "split", "green", "--into", "green,olive", "--why", "two teams", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["requests"], document["queued"], document["next"]) == (60, 60, "ratchet review small")
    assert "look through golden.jsonl, line(s) 11, 12" in " ".join(document["notes"])
    warehouse, spec = open_warehouse(home, "small"), Specs(home)["small"]
    assert count_labels(warehouse, "small") == {"amber": 60, "green (split)": 60, "violet": 60}

    queue = ReviewQueue.open(home, "small", spec)
    try:
        assert {each.reason: each.items for each in queue.waiting()} == {"split": 60}
        queue.batch("ann_a")
        for label in ("olive", "green"):
            item = queue.current("ann_a")
            assert item is not None
            row = queue.correction("ann_a", "ann_a", item.request_id, label=label, saw_prediction=False)
            land_corrections(home, "small", [row])
            queue.record(row)
    finally:
        queue.close()
    assert run_here("--home", home.root, "ingest", "small").returncode == 0
    assert count_labels(warehouse, "small") == {"amber": 60, "green (split)": 58, "violet": 60, "green": 1, "olive": 1}
    with pytest.raises(RatchetError, match="too few training examples"):
        plan_cycle(home, "small", "latest")

    edit(home, '[[label]]\nname = "violet"\n', '[[label]]\nname = "other"\n')
    assert 'name = "violet"' not in home.spec("small").read_text()
    assert run_here(*ask, "retire", "violet", "--why", "nobody asks").returncode == 0
    added = json.loads(run_here(*ask, "add", "other", "--why", "it came up", "--json").stdout)
    assert added["queued"] == 0  # every request has a label
    shown = run_here(*ask).stdout
    assert "does not list: violet (60), green (split) (58)" in shown
    assert "other is added" in shown

    file = home.review("small") / "label_rules.jsonl"
    file.write_text(file.read_text().replace("olive", "amber", 1))  # by hand: nobody signed that
    assert count_labels(open_warehouse(home, "small"), "small") == {}
    for look in (lambda: plan_cycle(home, "small", "latest"), lambda: Specs(home).golden("small")):
        with pytest.raises(RatchetError, match=r"label_rules.jsonl line 1 does not continue the chain"):
            look()
    found = {each.what: each.state for each in examine_classifiers(home, {})}
    assert found["label rules of small"] == "fail"


MISTAKES = {
    "no such change": (("renam", "a", "b"), 64, "'renam' is not a change of labels"),
    "a rename without its new name": (("rename", "green"), 64, "rename takes other words"),
    "a merge without its label": (("merge", "green", "amber"), 64, "merge takes other words"),
    "a label that there is": (("rename", "green", "amber"), 1, "'amber' is a label already"),
    "no such label": (("rename", "gren", "olive"), 1, "Did you mean 'green'?"),
    "no reason": (("retire", "green"), 64, "--why is missing"),
    "an empty reason": (("retire", "green"), 64, "--why is empty"),
}


def test_mistakes_are_named_with_their_fix_and_record_nothing(home: Home, run_here: Command) -> None:
    """Each in one sentence."""
    for case, (words, code, message) in MISTAKES.items():
        why = {"no reason": (), "an empty reason": ("--why", "")}.get(case, ("--why", "x"))
        done = run_here("--home", home.root, "labels", "small", *words, *why)
        assert (done.returncode, message in done.stderr.replace("\n", " ")) == (code, True), (case, done.stderr)
    assert LabelRuleFile(home, "small").read().rules == ()
    assert Ledger(home).entries("small") == []


POINTS = ("signed_lines.before_line", "signed_lines.before_checkpoint", "labels.after_rule", "review.before_write")


@pytest.mark.parametrize("point", [POINTS[2], *(pytest.param(each, marks=pytest.mark.faults) for each in POINTS)])
def test_a_kill_anywhere_is_made_good_by_the_same_command(home: Home, run_here: Command, point: str) -> None:
    """One rule, its rows queued once; before that the file alone is edited, and the next cycle names the command."""
    edit(home, 'name = "green"', 'name = "olive"\n\n[[label]]\nname = "lime"')
    words = ("--home", str(home.root), "labels", "small", "split", "green", "--into", "olive,lime", "--why", "x")
    environment = {**os.environ, "RATCHET_FAILPOINT": f"{point}:kill"}
    killed = subprocess.run([*RATCHET, *words], env=environment, check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL
    done = run_here(*words)
    assert done.returncode == 0, done.stderr
    assert "60 request(s) of green wait for an answer" in done.stdout
    (rule,) = LabelRuleFile(home, "small").read().rules
    assert rule.new == ("olive", "lime")
    queue = ReviewQueue.open(home, "small", Specs(home)["small"])
    try:
        assert [each.items for each in queue.waiting()] == [60]
    finally:
        queue.close()
