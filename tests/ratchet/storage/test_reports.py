"""A cycle's report on disk: JSON, page, index and run results, each whole or not at all."""

import hashlib
import json
from copy import deepcopy
from datetime import UTC, date, datetime

import pytest

from ratchet.core.cycle import Cycle
from ratchet.core.errors import RatchetError
from ratchet.storage.home import Home
from ratchet.storage.reports import Reports, StageResult
from ratchet.testing.report_example import make_example

CYCLE = Cycle("support_tickets", date(2026, 2, 23))


@pytest.fixture(scope="module")
def document():
    """A small but whole report."""
    return make_example(["a", "b"], n=80)


@pytest.fixture
def reports(tmp_path):
    """Reports of an empty home."""
    return Reports(Home(tmp_path))


def test_a_report_is_written_read_and_listed(reports, document, tmp_path):
    """The JSON is the document, the page belongs to that very JSON, the index leads to the page."""
    page = reports.write(CYCLE, document)
    folder = tmp_path / "support_tickets" / "reports" / "2026-02-23"
    assert page == folder / "eval_report.html"
    assert reports.read(CYCLE) == document
    assert reports.weeks("support_tickets") == ["2026-02-23"]
    assert hashlib.sha256((folder / "eval_report.json").read_bytes()).hexdigest() in page.read_text()
    assert "2026-02-23/eval_report.html" in (folder.parent / "index.html").read_text()
    assert sorted(path.name for path in folder.iterdir()) == ["eval_report.html", "eval_report.json"]


def test_writing_the_same_report_again_changes_no_byte(reports, document, tmp_path):
    """A rerun of a week is idempotent, on all three files."""

    def content():
        return {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    reports.write(CYCLE, document)
    before = content()
    reports.write(CYCLE, document)
    assert content() == before


def test_a_week_that_runs_again_keeps_the_report_of_the_adapter_before(reports, document, tmp_path):
    """It may be live: page and JSON stay together in a folder of its name, and the index lists the week once."""
    page = reports.write(CYCLE, document).read_bytes()
    reports.write(CYCLE, {**deepcopy(document), "adapter": "f" * 64})
    folder = tmp_path / "support_tickets" / "reports" / "2026-02-23"
    earlier = folder / document["adapter"][:16]
    assert (earlier / "eval_report.html").read_bytes() == page
    assert json.loads((earlier / "eval_report.json").read_bytes()) == document
    assert reports.read(CYCLE)["adapter"] == "f" * 64
    assert reports.weeks("support_tickets") == ["2026-02-23"]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), {1, 2}])
def test_what_is_no_json_is_refused_before_anything_is_written(reports, document, tmp_path, bad):
    """The report of last time stays as it was."""
    with pytest.raises((ValueError, TypeError)):
        reports.write(CYCLE, {**deepcopy(document), "temperature": bad})
    assert not any(tmp_path.rglob("*.*"))


def test_a_missing_report_says_which_weeks_have_one(reports, document):
    """And how to make it."""
    reports.write(CYCLE, document)
    with pytest.raises(
        RatchetError, match=r"no report of support_tickets for the week 2026-03-02 \(has: 2026-02-23\)"
    ) as caught:
        reports.read(Cycle("support_tickets", date(2026, 3, 2)))
    assert "ratchet cycle support_tickets --week 2026-03-02" in caught.value.hint


@pytest.mark.feature(37)
def test_run_results_say_what_each_stage_did(reports):
    """The shape that dbt users know; a later record replaces the earlier."""
    now = datetime(2026, 3, 2, 6, tzinfo=UTC)
    reports.record(CYCLE, [], "run-1", now=now)
    stages = [
        StageResult("adapter", "pass", 12.5, artifacts=("ab12",)),
        StageResult("leakage", "blocked", 0.1, "3 texts leak"),
    ]
    found = json.loads(reports.record(CYCLE, stages, "run-1", now=now).read_text())
    assert found["metadata"] == {
        "schema_version": 1,
        "ratchet_version": found["metadata"]["ratchet_version"],
        "generated_at": "2026-03-02T06:00:00+00:00",
        "invocation_id": "run-1",
    }
    assert found["results"] == [
        {"unique_id": "adapter", "status": "pass", "execution_time": 12.5, "message": "", "artifacts": ["ab12"]},
        {
            "unique_id": "leakage",
            "status": "blocked",
            "execution_time": 0.1,
            "message": "3 texts leak",
            "artifacts": [],
        },
    ]


@pytest.mark.feature(37)
def test_run_results_exist_without_a_report(reports, tmp_path):
    """A cycle that failed before its report has them; the index is not touched."""
    reports.record(CYCLE, [StageResult("production_logs", "error", 0.2, "no file")], "run-1")
    assert (tmp_path / "support_tickets/reports/2026-02-23/run_results.json").is_file()
    assert reports.weeks("support_tickets") == []


def test_an_unknown_status_is_refused():
    """pass, fail, blocked, skipped, error: nothing else."""
    with pytest.raises(ValueError, match="status 'ok' of stage 'adapter' is not one of pass, fail"):
        StageResult("adapter", "ok", 1.0)


@pytest.mark.parametrize(
    ("status", "word"),
    [("blocked", "was blocked by row_quality: 8 % lack"), ("error", "was stopped at row_quality: 8")],
)
def test_a_week_that_ran_again_and_was_stopped_early_shows_no_former_verdict(reports, document, tmp_path, status, word):
    """In the report, on its page and in the index; a run that makes a report of its own writes all three anew."""
    reports.write(CYCLE, document)
    early = [StageResult("row_quality", status, 1.0, "8 % lack a confidence."), StageResult("adapter", "skipped", 0.0)]
    reports.record(CYCLE, early, "run-2")
    found = reports.read(CYCLE)
    assert found["verdict"]["sentence"].startswith(f"The newest run of this week {word}")
    assert found["former_verdict"] == document["verdict"]
    folder = tmp_path / "support_tickets" / "reports"
    former = document["verdict"]["sentence"]
    for page in (folder / "2026-02-23" / "eval_report.html", folder / "index.html"):
        assert "The newest run of this week" in page.read_text() or "blocked" in page.read_text()
        assert former not in page.read_text()
    reports.record(CYCLE, early, "run-2")
    assert reports.read(CYCLE) == found
    reports.write(CYCLE, document)
    reports.record(CYCLE, [StageResult("eval_report", "pass", 1.0), StageResult("golden", "blocked", 1.0)], "run-3")
    assert reports.read(CYCLE) == document


def test_the_digest_is_of_the_report_as_its_cycle_wrote_it(reports, document):
    """A run that was stopped later puts its verdict before it and keeps the digest; any other change moves it."""
    reports.write(CYCLE, document)
    digest = reports.digest(CYCLE)
    reports.record(CYCLE, [StageResult("label_agreement", "blocked", 0.1, "Fails: they differ.")], "later")
    assert reports.read(CYCLE)["verdict"] != document["verdict"]
    assert reports.digest(CYCLE) == digest
    changed = {**reports.read(CYCLE), "temperature": 3.0}
    reports.write(CYCLE, changed)
    assert reports.digest(CYCLE) != digest
