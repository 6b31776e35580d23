"""History of a classifier from the files that its cycles wrote, whole or damaged."""

import json
import os
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.errors import RatchetError
from ratchet.storage.home import Home
from ratchet.storage.reports import Reports, StageResult
from ratchet.testing.report_example import make_example
from ratchet.testing.year_of_weeks import promote_past, roll_back_past, write_past_week, write_year
from ratchet.workflows.history.history import load_history
from ratchet.workflows.history.week_metrics import FIGURES
from ratchet.workflows.history.week_verdict import REASON_AT_MOST

NOW = datetime(2025, 6, 2, 12, tzinfo=UTC)
LABELS = 3


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home of nine weeks and three labels, the seventh blocked by its labels."""
    found = Home(tmp_path / "home")
    write_year(found, weeks=9, labels=LABELS)
    return found


def weeks_of(home: Home, **more: Any) -> list[dict[str, Any]]:
    """The rows of the history."""
    return list(load_history(home, "small", NOW, **more)["weeks"])


def test_a_year_is_one_row_for_each_week_oldest_first(home: Home) -> None:
    """Each row has its verdict, its marks and every figure, None where the week has none."""
    document = load_history(home, "small", NOW)
    rows = document["weeks"]
    assert [row["week"] for row in rows] == sorted(row["week"] for row in rows)
    assert [row["verdict"] for row in rows] == ["passed"] * 6 + ["blocked"] + ["passed"] * 2
    assert [row["marks"] for row in rows] == [["promoted"], [], [], [], [], ["promoted"], ["blocked"], [], []]
    assert all(set(row["metrics"]) == {*FIGURES, "labels"} for row in rows)
    assert all(len(row["reason"]) <= REASON_AT_MOST for row in rows)
    assert document["schema_version"] == 1
    assert document["sentence"] == (
        "Nothing was promoted for 3 weeks: 2 passed but never entered a rollout, 1 blocked by label_agreement."
    )
    json.dumps(document, allow_nan=False)


def test_the_figures_are_those_of_the_report(home: Home) -> None:
    """Test and golden, with intervals and live, the cost of a thousand answers, and F1 of each label."""
    row = weeks_of(home)[1]
    report = Reports(home).read(Cycle("small", parse_week(row["week"])))
    metrics = row["metrics"]
    assert metrics["test_macro_f1"] == report["metrics"]["test"]["macro_f1"]
    assert metrics["golden_macro_f1_ci"] == report["metrics"]["golden"]["macro_f1_ci"]
    assert metrics["live_test_macro_f1"] == report["live_metrics"]["test"]["macro_f1"]
    assert {name: each["f1"] for name, each in metrics["labels"].items()} == {
        name: each["f1"] for name, each in report["metrics"]["test"]["per_class"].items()
    }
    tuned = next(each for each in report["three_way"]["rows"] if each["name"] == "tuned")
    assert metrics["cost_per_1000"] == tuned["cost_per_1000"]


def test_a_week_that_its_data_blocked_has_the_figures_of_its_data(home: Home) -> None:
    """Requests and agreement are there, with the limit; F1 is a gap, and no zero."""
    metrics = weeks_of(home)[6]["metrics"]
    assert (metrics["agreement"], metrics["agreement_limit"], metrics["test_macro_f1"]) == (0.71, 0.9, None)
    assert metrics["requests"] > 0
    assert metrics["labels"] == {}


def test_since_begins_with_the_week_of_the_day(home: Home) -> None:
    """A Wednesday includes its week, which began on Monday."""
    assert [row["week"] for row in weeks_of(home, since=date(2025, 2, 26))] == ["2025-02-24", "2025-03-03"]


def cut_report(folder: Path) -> None:
    """Half of a report, as a copy of a disk that was full."""
    path = folder / "eval_report.json"
    path.write_bytes(path.read_bytes()[:1000])


def foreign_report(folder: Path) -> None:
    """Another program's JSON under the name of the report."""
    (folder / "eval_report.json").write_text('["not", "ours"]')


def cut_run(folder: Path) -> None:
    """Half of the run's results."""
    (folder / "run_results.json").write_text('{"metadata": {"generated_at"')


def foreign_run(folder: Path) -> None:
    """Another program's results: dbt has a file of this name."""
    (folder / "run_results.json").write_text('{"metadata": {"generated_at": "2025-01-01"}, "results": [{"node": 1}]}')


def gone_report(folder: Path) -> None:
    """A report that somebody removed."""
    (folder / "eval_report.json").unlink()


def report_alone(folder: Path) -> None:
    """A run of before run results were written."""
    (folder / "run_results.json").unlink()


def odd_figures(folder: Path) -> None:
    """Figures of other kinds: text, infinity, a list of three."""
    path = folder / "eval_report.json"
    report = json.loads(path.read_bytes())
    report["metrics"]["test"] |= {"macro_f1": "high", "ece": float("inf"), "macro_f1_ci": [0, 1, 2], "per_class": []}
    path.write_text(json.dumps(report))


def odd_parts(folder: Path) -> None:
    """Whole parts of other kinds."""
    parts = {"metrics": [1], "three_way": {"rows": ["tuned", None]}, "golden": 7, "verdict": "good", "data": None}
    path = folder / "eval_report.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | parts))


DAMAGE: dict[Callable[[Path], None], tuple[str, str]] = {
    cut_report: ("error", "eval_report.json cannot be read: run the week again"),
    foreign_report: ("error", "eval_report.json cannot be read: run the week again"),
    cut_run: ("error", "run_results.json cannot be read: run the week again"),
    foreign_run: ("error", "run_results.json cannot be read: run the week again"),
    gone_report: ("error", "eval_report.json is gone: run the week again"),
    report_alone: ("passed", "its candidate never entered a rollout"),
    odd_figures: ("passed", "its candidate never entered a rollout"),
    odd_parts: ("passed", "its candidate never entered a rollout"),
}


def without_changes(rows: list[dict[str, Any]]) -> str:
    """Rows without what is compared with the weeks before."""
    return re.sub(r'"change": [^,}]*', "", json.dumps(rows))


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
def test_a_damaged_week_is_a_row_with_its_reason(home: Home, damage: Callable[[Path], None]) -> None:
    """All other weeks stay as they were, and nothing is a crash."""
    before = weeks_of(home)
    damage(home.report(Cycle("small", date(2025, 1, 20))))
    rows = weeks_of(home)
    assert (rows[2]["verdict"], rows[2]["reason"]) == DAMAGE[damage]
    assert without_changes(rows[:2] + rows[3:]) == without_changes(before[:2] + before[3:])
    json.dumps(rows, allow_nan=False)


def test_what_lies_in_reports_and_is_no_week_is_left_out(home: Home) -> None:
    """A copy of a week, a Tuesday, a file, an empty folder and a link to nowhere add no row."""
    before, folder = weeks_of(home), home.reports("small")
    (folder / "2025-01-06 (copy)").mkdir()
    (folder / "2025-01-07").mkdir()
    (folder / "2025-01-07" / "run_results.json").write_text("{}")
    (folder / "2025-13-45").mkdir()
    (folder / "2025-13-45" / "run_results.json").write_text("{}")
    (folder / "2026-01-05").mkdir()
    (folder / "notes.txt").write_text("mine")
    (folder / "2026-01-12").symlink_to("/nowhere")
    assert weeks_of(home) == before


def test_a_week_run_twice_is_its_newest_run_and_says_of_which_run_the_figures_are(home: Home) -> None:
    """A second run that its labels block leaves the earlier report's figures, and the row says so."""
    cycle = Cycle("small", date(2025, 1, 20))
    stages = [StageResult("label_agreement", "blocked", 1.0, "Fails: annotators agree on 60.0%.")]
    Reports(home).record(cycle, stages, "run-again", now=NOW)
    row = weeks_of(home)[2]
    assert (row["run"], row["verdict"], row["gate"]) == ("run-again", "blocked", "label_agreement")
    assert row["figures_of_earlier_run"]
    write_past_week(home, cycle, make_example(("label_00", "label_01"), seed=1), 99)
    again = weeks_of(home)[2]
    assert (again["run"], again["verdict"], again["figures_of_earlier_run"]) == ("run-0099", "passed", False)


def test_a_run_that_was_killed_on_the_way_is_unfinished(home: Home) -> None:
    """The reason names the last stage that it finished."""
    cycle = Cycle("small", date(2025, 3, 10))
    stages = [StageResult("production_logs", "pass", 1.0), StageResult("adapter", "skipped", 0.0, "not reached")]
    Reports(home).record(cycle, stages, "killed")
    row = weeks_of(home)[-1]
    assert (row["verdict"], row["reason"]) == ("unfinished", "the newest run ended after production_logs")


def test_a_week_promoted_rolled_back_and_promoted_by_hand_tells_all_three(home: Home) -> None:
    """Marks stand in the order in which they happened, each with its time and who did it."""
    cycle = Cycle("small", date(2025, 2, 24))
    adapter = str(weeks_of(home)[7]["adapter"])
    promote_past(home, cycle, adapter, hours=30)
    roll_back_past(home, cycle, adapter, hours=40)
    promote_past(home, cycle, adapter, hours=50, by="ann", leakage="1" * 64)
    row = weeks_of(home)[7]
    assert row["marks"] == ["promoted", "rolled_back", "promoted"]
    assert [event["by"] for event in row["events"]] == ["test", "test", "ann"]
    assert (row["fate"], row["reason"][:21]) == ("live", "its candidate is live")


def test_a_broken_ledger_hides_no_figure(home: Home) -> None:
    """The rows stay, without marks of promotions, and a note says why."""
    figures = [row["metrics"]["test_macro_f1"] for row in weeks_of(home)]
    path = home.ledger("small")
    path.write_text(path.read_text().replace('"week 2025-01-06', '"week 2099-01-05', 1))
    document = load_history(home, "small", NOW)
    assert [row["metrics"]["test_macro_f1"] for row in document["weeks"]] == figures
    assert any(note.startswith("Promotions are not shown") for note in document["notes"])


def test_nothing_is_written_and_no_warehouse_is_opened(home: Home) -> None:
    """A history of a folder that cannot be written is the same; a warehouse that is garbage is never noticed."""
    home.warehouse("small").write_bytes(b"no database")
    before = {path: path.stat().st_mtime_ns for path in home.root.rglob("*")}
    document = load_history(home, "small", NOW)
    assert {path: path.stat().st_mtime_ns for path in home.root.rglob("*")} == before
    assert len(document["weeks"]) == 9


def test_a_classifier_without_weeks_and_one_that_is_unknown(home: Home) -> None:
    """The first has an empty history and a sentence; the second is an error that names the nearest."""
    home.classifier("other").mkdir()
    home.spec("other").write_bytes(home.spec("small").read_bytes())
    assert load_history(home, "other", NOW)["sentence"] == "No week has run yet."
    with pytest.raises(RatchetError, match="no classifier 'smal'"):
        load_history(home, "smal", NOW)


def test_the_error_of_the_year_is_that_of_the_time(home: Home) -> None:
    """What was spent grows with the promotions by hand that no evidence proved, and is None before the first entry."""
    spent = [row["metrics"]["error_budget_spent"] for row in weeks_of(home)]
    assert spent == sorted(spent)
    assert all(row["metrics"]["error_budget_limit"] == 0.05 for row in weeks_of(home))


def test_a_change_of_a_file_is_seen(home: Home) -> None:
    """What is kept in memory holds for a time and a size: a week that runs again is read again."""
    before = weeks_of(home)[1]["metrics"]["test_macro_f1"]
    path = home.report(Cycle("small", date(2025, 1, 13))) / "eval_report.json"
    report = json.loads(path.read_bytes())
    report["metrics"]["test"]["macro_f1"] = before / 2
    path.write_text(json.dumps(report))
    later = path.stat().st_mtime + timedelta(seconds=5).total_seconds()
    os.utime(path, (later, later))
    assert weeks_of(home)[1]["metrics"]["test_macro_f1"] == before / 2
