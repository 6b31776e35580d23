"""A real process that writes a week's files, killed (-9) in the middle: the history reads whole files, old or new."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from ratchet.core.cycle import Cycle
from ratchet.storage.home import Home
from ratchet.testing.killed_processes import run_and_kill
from ratchet.testing.year_of_weeks import write_year
from ratchet.workflows.history.history import load_history

WRITER = """
import json, sys
from datetime import date
from pathlib import Path
from ratchet.core.cycle import Cycle
from ratchet.storage.home import Home
from ratchet.storage.reports import Reports, StageResult
home, cycle = Home(Path(sys.argv[1])), Cycle("small", date(2025, 1, 27))
reports, number = Reports(home), 0
document = reports.read(cycle)
while True:
    number += 1
    document["metrics"]["test"]["macro_f1"] = number / 1000
    trained = StageResult("adapter", "pass", 1.0)
    reports.record(cycle, [trained, StageResult("eval_report", "skipped", 0.0)], f"{number}")
    print(number, flush=True)
    reports.write(cycle, document)
    reports.record(cycle, [trained, StageResult("eval_report", "pass", 1.0)], f"{number}")
    print(number, flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("lines", range(1, 7))
def test_a_week_whose_writer_is_killed_is_a_whole_row(tmp_path: Path, lines: int) -> None:
    """Passed or unfinished, with the figures of one report, and what the killed process left does not add a row."""
    home = Home(tmp_path / "home")
    write_year(home, weeks=4, labels=3)
    printed = run_and_kill(WRITER, [home.root], lines)
    rows = load_history(home, "small", datetime.now(UTC))["weeks"]
    assert [row["week"] for row in rows] == ["2025-01-06", "2025-01-13", "2025-01-20", "2025-01-27"]
    row, last = rows[3], int(printed[-1])
    assert row["verdict"] in {"passed", "unfinished"}
    assert row["damaged"] == []
    assert int(row["run"]) in {last, last + 1}
    report = json.loads((home.report(Cycle("small", date(2025, 1, 27))) / "eval_report.json").read_bytes())
    assert row["metrics"]["test_macro_f1"] == report["metrics"]["test"]["macro_f1"]
    assert row["figures_of_earlier_run"] == (row["verdict"] == "unfinished")
