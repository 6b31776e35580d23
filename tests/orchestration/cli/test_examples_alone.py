"""A first classifier from an old spreadsheet: examples alone are split by text, marked everywhere, promoted by hand."""

import csv
import json
import random
import shutil
import warnings
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ratchet.core.cycle import monday_of
from ratchet.ingest.rebuild import open_warehouse
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger
from ratchet.testing.homes import WORDS, SmallClassifier, make_text
from ratchet.workflows.plan_cycle import plan_cycle

pytestmark = pytest.mark.slow
NAME = "tickets"


def write_spreadsheet(path: Path, rows: int = 180) -> None:
    """Old labelled messages, among them one without a label and one that is there twice."""
    draw = random.Random("old")  # noqa: S311 - test data
    texts = [(make_text(label, draw, n), label) for n in range(rows // 3) for label in WORDS]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows([*texts, texts[0], ("nobody labelled this", "")])


@pytest.fixture(scope="module")
def promoted(made_home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A home on the whole way from a spreadsheet to a live adapter, and what the commands printed on it."""
    import io
    from contextlib import redirect_stderr, redirect_stdout

    from orchestration.cli.app import main

    root = Path(shutil.copytree(made_home, tmp_path_factory.mktemp("alone") / "home"))
    spec = root / NAME / "classifier.toml"
    spec.write_text(
        spec.read_text().split("\n[[candidate]]")[0]
        + '\n[evaluation]\nmax_texts = 0\n\n[[candidate]]\nmethod = "probe"\n'
    )
    write_spreadsheet(root / "old.csv")
    printed: dict[str, Any] = {}

    def run(name: str, *words: object, code: int = 0) -> None:
        out, err = io.StringIO(), io.StringIO()
        with warnings.catch_warnings(), redirect_stdout(out), redirect_stderr(err):
            warnings.simplefilter("ignore")
            done = main(["--home", str(root), *map(str, words)])
        assert done == code, (name, out.getvalue(), err.getvalue())
        printed[name] = out.getvalue() + err.getvalue()

    run("ingest", "ingest", NAME, "--examples", root / "old.csv", code=3)
    run("plan", "cycle", NAME, "--week", "latest", "--plan")
    run("cycle", "cycle", NAME, "--week", "latest")
    run("report", "report", NAME)
    run("status before", "status", NAME)
    run("promote", "--yes", "promote", NAME, "--why", "better than nothing")
    run("status", "status", NAME)
    run("dataset", "dataset", NAME, "--week", "latest", "--export", root / "back.jsonl", "--format", "chat", "--json")
    return root, printed


def test_the_whole_way_runs_and_says_at_each_step_what_the_figures_are(promoted: tuple[Path, dict[str, Any]]) -> None:
    """Intake, plan, report, status and the way to live all name the labelled examples."""
    root, printed = promoted
    assert "label is missing" in printed["ingest"]
    for step in ("plan", "report"):
        assert "split from the others by their text" in printed[step], step
    assert "promote it by hand" in printed["cycle"]
    assert "judged by labelled examples alone, promoted by hand only" in printed["status before"]
    assert "180 labelled, without a request" in printed["status"]
    assert "on labelled examples alone" in printed["promote"]
    home = Home(root)
    week = monday_of(datetime.now(UTC).date())
    document = json.loads((home.reports(NAME) / str(week) / "eval_report.json").read_bytes())
    assert document["data"]["split_by"] == "text"
    assert document["checks"]["golden_agreement"]["verdict"] == "inconclusive"
    assert document["checks"]["label_distribution"]["verdict"] == "inconclusive"
    page = (home.reports(NAME) / str(week) / "eval_report.html").read_text()
    assert "promoted by hand only" in page
    assert Ledger(home).live(NAME) == document["adapter"]
    exported = json.loads(printed["dataset"])
    assert exported["written"] == sum(document["splits"][split]["n"] for split in ("train", "calibration", "test"))


def test_beside_real_weeks_the_same_examples_train_and_no_split_that_judges_has_one(
    promoted: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    """The first labelled request ends the split by text, in the plan as in the cycle."""
    root = Path(shutil.copytree(promoted[0], tmp_path / "home"))
    home, week = Home(root), date(2026, 1, 5)
    small = SmallClassifier(home, NAME, requests=120)
    for number in range(2):
        small.write_week(week + timedelta(days=7 * number))
    from ratchet.ingest.landing import Landing
    from ratchet.storage.specs import Specs

    Landing(home, open_warehouse(home, NAME)).take(Specs(home)[NAME])
    plan = plan_cycle(home, NAME, "latest")
    assert (plan["week"], plan["split_by"], plan["requests"]) == ("2026-01-12", "time", 120)
    assert plan["labelled_examples"] > 150
    assert plan["splits"]["test"]["n"] + plan["splits"]["calibration"]["n"] < 200
    assert plan["weeks"] == ["2026-01-05"]
