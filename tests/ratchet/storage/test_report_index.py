"""The index of reports: newest week first, one row for each week, in constant time, whole after a kill at any
instant."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import html5lib
import pytest

from ratchet.core.files import write_json
from ratchet.evaluation.report.index import HEAD_BYTES, ROW_BYTES
from ratchet.storage.home import Home
from ratchet.storage.report_index import ReportIndex

MONDAY = date(2026, 2, 23)


def document(f1: float | None = 0.9, word: str = "passed") -> dict[str, Any]:
    """As much of an eval report as the index shows."""
    return {
        "adapter": "ab" * 32,
        "verdict": {"word": word},
        "metrics": {"test": {"macro_f1": f1, "macro_f1_ci": [0.8, 0.95], "ece": 0.02}},
    }


def week(i: int) -> date:
    """The Monday `i` weeks later."""
    return MONDAY + timedelta(weeks=i)


def rows(content: bytes) -> list[list[str]]:
    """The rows as an HTML parser sees them, in the order of the file."""
    tree = html5lib.parse(content.decode(errors="replace"), namespaceHTMLElements=False)
    return [["".join(cell.itertext()) for cell in row] for row in tree.findall(".//tbody/tr")]


@pytest.fixture
def index(tmp_path) -> ReportIndex:
    """An index that does not exist yet."""
    return ReportIndex(Home(tmp_path), "tickets")


def test_a_row_shows_week_verdict_figures_and_link(index):
    """What a reader needs to choose a report."""
    index.put(MONDAY, document())
    assert rows(index.path.read_bytes()) == [["2026-02-23", "✓ passed", "0.900 0.800 to 0.950", "0.020", "abababab"]]
    assert b'href="2026-02-23/eval_report.html"' in index.path.read_bytes()


def test_missing_figures_are_no_zeros(index):
    """A cycle that was blocked before anything was measured has a row without figures."""
    index.put(MONDAY, {"verdict": {"word": "blocked"}})
    assert rows(index.path.read_bytes()) == [["2026-02-23", "✕ blocked", "no data", "no data", "none"]]


def test_a_week_run_again_keeps_one_row(index):
    """In place, wherever its row lies; the same report again changes no byte."""
    for i in range(4):
        index.put(week(i), document())
    index.put(week(1), document(0.5, "blocked"))
    once = index.path.read_bytes()
    index.put(week(1), document(0.5, "blocked"))
    assert index.path.read_bytes() == once
    assert [row[:2] for row in rows(once)][1] == ["2026-03-02", "✕ blocked"]
    assert len(rows(once)) == 4


def test_hostile_words_stay_words(index):
    """A verdict or digest that is markup is text, and fits."""
    index.put(MONDAY, {"adapter": '"><b>&&&&&&&', "verdict": {"word": "<script>" * 9}})
    ((_, verdict, *_, adapter),) = rows(index.path.read_bytes())
    assert (verdict, adapter) == ("? <script><script><scr", '"><b>&&&')
    assert b"<script" not in index.path.read_bytes()


def test_a_torn_row_is_dropped_by_readers_and_covered_by_the_next_write(index):
    """Cut after any number of bytes, the file still shows all whole rows, and the next write mends it."""
    for i in range(3):
        index.put(week(i), document())
    whole = index.path.read_bytes()
    start = HEAD_BYTES + 2 * ROW_BYTES
    for cut in (1, 5, 40, 120, 200, 260, 330, ROW_BYTES - 1):
        torn = whole[: start + cut]
        assert [row[0] for row in rows(torn)][:2] == ["2026-02-23", "2026-03-02"]
        index.path.write_bytes(torn)
        index.put(week(2), document())
        assert index.path.read_bytes() == whole


def test_a_note_without_its_row_is_not_believed(index):
    """Killed between note and row; another week took the place; the first week gets a row of its own."""
    index.put(week(0), document())
    (index.path.parent / ".index" / str(week(1))).write_text("1\n")
    index.put(week(2), document())
    index.put(week(1), document())
    assert [row[0] for row in rows(index.path.read_bytes())] == [str(week(i)) for i in (0, 2, 1)]


@pytest.mark.parametrize("loss", ["index", "notes", "foreign"])
def test_a_lost_or_foreign_index_is_built_anew(index, loss):
    """From the reports themselves, which are the truth."""
    for i in range(3):
        write_json(index.path.parent / str(week(i)) / "eval_report.json", document(0.1 * i))
        index.put(week(i), document(0.1 * i))
    whole = index.path.read_bytes()
    if loss == "index":
        index.path.unlink()
    elif loss == "notes":
        for note in (index.path.parent / ".index").iterdir():
            note.unlink()
        (index.path.parent / ".index").rmdir()
    else:
        index.path.write_text("<p>edited by hand")
    index.put(week(1), document(0.1))
    assert index.path.read_bytes() == whole


@pytest.mark.parametrize("content", ["{", "[]", None])
def test_a_report_that_cannot_be_read_costs_only_its_figures(index, caplog, content):
    """The other weeks keep theirs, and the log says which file it is; a folder that is not a week is left out."""
    for name in ("2026-02-23", "notes"):
        path = index.path.parent / name / "eval_report.json"
        path.parent.mkdir(parents=True)
        if content is None:
            path.mkdir()
        else:
            path.write_text(content)
    good = index.path.parent / "2026-03-02" / "eval_report.json"
    good.parent.mkdir()
    good.write_text(json.dumps(document(0.1)))
    index.rebuild()
    rows = index.path.read_text()
    assert rows.count('<tr id="week-') == 2
    assert "unknown" in rows[rows.index("week-2026-02-23") :][:1024]
    assert "notes/eval_report.json does not belong to a report" in caplog.text
    assert content == "[]" or "2026-02-23/eval_report.json cannot be read" in caplog.text


WRITER = """
import sys
from datetime import date, timedelta
from pathlib import Path
from ratchet.storage.home import Home
from ratchet.storage.report_index import ReportIndex
index = ReportIndex(Home(Path(sys.argv[1])), "tickets")
for i in range(int(sys.argv[2]), 100_000):
    index.put(date(2026, 2, 23) + timedelta(weeks=i % 2000), {"verdict": {"word": "passed"}})
    print(i, flush=True)
"""


def test_a_kill_loses_no_acknowledged_row(index, tmp_path):
    """SIGKILL while writing, four times: every acknowledged week is there once, and the next writer goes on."""
    done = -1
    for at_least in (3, 9, 14, 22):
        command = [sys.executable, "-c", WRITER, str(tmp_path), str(done + 1)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]) as writer:
            for line in writer.stdout:
                done = int(line)
                if done >= at_least:
                    os.kill(writer.pid, signal.SIGKILL)
                    break
            done = max([done, *map(int, writer.stdout.read().split())])
        assert writer.returncode == -signal.SIGKILL
        weeks = [row[0] for row in rows(index.path.read_bytes()) if len(row) == 5]
        assert len(weeks) == len(set(weeks))
        assert {str(week(i)) for i in range(done + 1)} <= set(weeks)


@pytest.mark.feature(21)
def test_time_does_not_grow_with_the_history(tmp_path):
    """A new week after 1,000 costs what it costs after 10: the medians of many writes, taken in turn."""
    indexes = {n: ReportIndex(Home(tmp_path), f"after_{n}") for n in (10, 1000)}
    for n, index in indexes.items():
        for i in range(n):
            write_json_fast(index.path.parent / str(week(i)) / "eval_report.json")
        index.rebuild()
        assert index.path.stat().st_size == HEAD_BYTES + n * ROW_BYTES
    taken: dict[int, list[float]] = {10: [], 1000: []}
    for i in range(60):
        for n, index in indexes.items():
            taken[n].append(seconds_to_put(index, week(n + i)))
    assert median(taken[1000]) <= 1.2 * median(taken[10]) + 0.001


def write_json_fast(path: Path) -> None:
    """A report without fsync: the history of a test needs no durability."""
    path.parent.mkdir(parents=True)
    path.write_text('{"verdict": {"word": "passed"}}')


def seconds_to_put(index: ReportIndex, monday: date) -> float:
    """Wall time of one write."""
    start = time.perf_counter()
    index.put(monday, document())
    return time.perf_counter() - start


def test_a_browser_shows_the_newest_week_first(index, visit):
    """Whatever the order of writing; without a request, also when the last row is torn."""
    for i in (0, 3, 1, 2):
        index.put(week(i), document())
    index.path.write_bytes(index.path.read_bytes() + b'<tr id="week-2026-04-')
    for scheme in ("light", "dark"):
        seen = visit(index.path, color_scheme=scheme)
        found = seen.page.locator("tbody tr").all()
        tops = {row.locator("th").inner_text(): row.bounding_box()["y"] for row in found}
        assert sorted(tops, key=tops.get) == [str(week(i)) for i in (3, 2, 1, 0)]
        assert (seen.requests, seen.problems) == ([], [])
    link = seen.page.get_by_role("row").get_by_role("link").first
    assert link.get_attribute("href") == "2026-02-23/eval_report.html"
