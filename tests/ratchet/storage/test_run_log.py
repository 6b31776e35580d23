"""The run log has one line when a run begins and one when its outcome is known, and none is ever replaced."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ratchet.core.cycle import Cycle, parse_week
from ratchet.storage.home import Home
from ratchet.storage.reports import Reports, StageResult
from ratchet.storage.run_log import NOT_REACHED, RunLog, judge_run

WEEK = Cycle("tickets", parse_week("2026-01-05"))
PASS, LATER = StageResult("a", "pass", 1.0), StageResult("b", "skipped", 0.0, NOT_REACHED)
QUIET = StageResult("b", "skipped", 0.0, "the week had no traffic")
BLOCK, ERROR = StageResult("b", "blocked", 1.0, "Fails: x."), StageResult("c", "error", 1.0, "no space")


@pytest.mark.parametrize(
    ("stages", "state"),
    [
        ([], ""),
        ([PASS, LATER], ""),
        ([PASS, QUIET], "passed"),
        ([PASS, BLOCK, LATER], "blocked"),
        ([PASS, ERROR, LATER], "error"),
        ([ERROR, BLOCK], "blocked"),
    ],
)
def test_a_run_is_judged_by_its_stages(stages: list[StageResult], state: str) -> None:
    """Unfinished while a stage was not reached; a check that blocks comes before an error."""
    assert judge_run(stages)[0] == state


def test_each_state_is_noted_once_and_runs_of_one_week_stand_side_by_side(tmp_path: Path) -> None:
    """The cycle records after every step; only what changed is a line."""
    home = Home(tmp_path)
    for run, last in (("run-1", BLOCK), ("run-2", PASS)):
        for stages in ([PASS, LATER], [PASS, LATER], [PASS, last], [PASS, last]):
            Reports(home).record(WEEK, stages, run, now=datetime(2026, 1, 12, tzinfo=UTC))
    lines = RunLog(home).read("tickets")
    assert [(line.run, line.state, line.stage) for line in lines] == [
        ("run-1", "started", ""),
        ("run-1", "blocked", "b"),
        ("run-2", "started", ""),
        ("run-2", "passed", ""),
    ]
    assert lines[1].message == "Fails: x."


def test_a_torn_or_foreign_line_is_left_out(tmp_path: Path) -> None:
    """As after a crash."""
    home = Home(tmp_path)
    RunLog(home).note(WEEK, [BLOCK], "run-1")
    with home.runs("tickets").open("a") as file:
        file.write('{"ts": 1}\nnot JSON\n{"ts": "2026')
    assert [line.state for line in RunLog(home).read("tickets")] == ["started", "blocked"]
    RunLog(home).note(WEEK, [PASS], "run-2")
    assert [line.state for line in RunLog(home).read("tickets")] == ["started", "blocked", "started", "passed"]
