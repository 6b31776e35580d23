"""`ratchet status`: one screen, golden text."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestration.cli.app import main
from orchestration.weekly_cycle import weekly_cycle_schedule
from ratchet.review.item import QueuedRequest
from ratchet.review.reasons import AUDIT
from ratchet.storage.home import Home
from ratchet.workflows.review.enqueue import enqueue
from ratchet.workflows.status import SCHEDULE, next_schedule


@pytest.mark.feature(12)
def test_the_screen_of_a_new_classifier(call: Any, made_home: Path) -> None:
    """Every fact has its line, and what is not there is called none."""
    shown = call("--home", made_home, "status", "tickets")
    assert shown.code == 0
    lines = shown.out.splitlines()
    assert lines[0].startswith(f"home {made_home}, ")
    facts = {line[2:16].strip(): line[17:] for line in lines[3:]}
    assert list(facts) == [
        "live", "rollout", "error budget", "serving", "policy", "candidate", "last cycle", "labels", "golden set",
        "quarantined", "weeks", "corrections", "review", "not taken", "next schedule", "disk", "reports",
    ]  # fmt: skip
    assert [facts[what] for what in ("live", "candidate", "last cycle", "weeks")] == ["none"] * 4
    assert facts["corrections"] == "0 since the last cycle"
    assert not (made_home / "tickets" / "warehouse.duckdb").exists()


@pytest.mark.feature(12)
def test_its_document_has_a_schema(call: Any, made_home: Path) -> None:
    """Keys may be added, never renamed."""
    document = json.loads(call("--home", made_home, "status", "--json").out)
    assert set(document) == {"schema", "home", "disk_free_bytes", "classifiers"}
    assert set(document["classifiers"][0]) == {
        "classifier", "live", "rollout", "pause", "error_budget", "candidate", "last_cycle", "weeks", "requests",
        "corrections_since", "next_schedule",
        "disk_bytes",
        "paths", "policy", "quarantine", "quarantined_requests", "faults", "notes", "serving", "rows", "given_up",
        "labels", "golden_set", "labelled_examples", "label_studio", "review", "reject_reports",
    }  # fmt: skip


def test_what_waits_for_review_is_on_the_screen_by_reason_and_age(call: Any, home: Path) -> None:
    """The oldest request of each reason gives the age; JSON has the meaning beside it."""
    now = datetime.now(UTC)
    ages = {"r1": timedelta(days=3), "r2": timedelta(minutes=5)}
    items = [QueuedRequest(each, AUDIT, now - age, "a text") for each, age in ages.items()]
    enqueue(Home(home), "tickets", items, writer="gateway")
    assert "  review         2 audit (oldest 3 d)" in call("--home", home, "status", "tickets").out.splitlines()
    (found,) = json.loads(call("--home", home, "status", "tickets", "--json").out)["classifiers"]
    (waiting,) = found["review"]["waiting"]
    assert (waiting["reason"], waiting["items"], waiting["meaning"]) == ("audit", 2, "drawn at random")


def test_rejected_rows_of_a_file_that_was_given_are_not_called_none(call: Any, home: Path, tmp_path: Path) -> None:
    """The screen says of how many files there are reports, and where, also where every row of the landing folders was
    taken."""
    given = tmp_path / "week.csv"
    given.write_text("request_id,ts,text,label\nr1,yesterday,a text,green\n")
    assert "1 row(s) were rejected" in call("--home", home, "ingest", "tickets", "--logs", given).err
    (line,) = [each for each in call("--home", home, "status", "tickets").out.splitlines() if "not taken" in each]
    assert line.split("not taken")[1].strip() == f"reports on rows of 1 file in {Home(home).rejected('tickets')}"


def test_the_next_schedule_is_that_of_the_job() -> None:
    """Monday at six, UTC; on Monday at six it is the next one."""
    assert weekly_cycle_schedule.cron_schedule == f"{SCHEDULE.minute} {SCHEDULE.hour} * * 1"
    assert next_schedule(datetime(2026, 2, 22, 23, tzinfo=UTC)).isoformat() == "2026-02-23T06:00:00+00:00"
    assert next_schedule(datetime(2026, 2, 23, 5, tzinfo=UTC)).isoformat() == "2026-02-23T06:00:00+00:00"
    assert next_schedule(datetime(2026, 2, 23, 6, tzinfo=UTC)).isoformat() == "2026-03-02T06:00:00+00:00"


def test_the_check_is_one_line_and_an_exit_code(call: Any, made_home: Path) -> None:
    """For monitoring: a home without a promotion is fine."""
    shown = call("--home", made_home, "status", "--check")
    assert (shown.code, shown.out) == (0, "ok: tickets: nothing is live\n")
    document = json.loads(call("--home", made_home, "status", "--check", "--json").out)
    assert (document["ok"], document["line"]) == (True, "tickets: nothing is live")


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "an edited ledger": (lambda folder: (folder / "ledger.jsonl").write_text("{}\n"), "ledger.jsonl line 1 cannot be"),
    "a folder for a ledger": (lambda folder: (folder / "ledger.jsonl").mkdir(), "ledger.jsonl"),
    "a damaged run": (lambda folder: write(folder / "reports/2026-01-05/run_results.json", "["), "cannot be shown"),
    "notes of another shape": (lambda folder: write(folder / "receipts/2026-01-05/cycle.json", "[]"), "cycle.json"),
}


def write(path: Path, content: str) -> None:
    """Write a file, and its folder."""
    path.parent.mkdir(parents=True)
    path.write_text(content)


@pytest.mark.parametrize("damage", BROKEN)
def test_one_broken_classifier_is_a_row_beside_the_others(call: Any, home: Path, damage: str) -> None:
    """With its sentence and exit code 1, as text, as JSON and for monitoring; the others are whole."""
    assert main(["--home", str(home), "init", "whole", "--labels", "a,b"]) == 0
    spoil, says = BROKEN[damage]
    spoil(home / "tickets")
    shown = call("--home", home, "status")
    assert shown.code == 1
    blocks = shown.out.split("\n\n")
    assert says in next(block for block in blocks if block.startswith("tickets"))
    assert "  live           none" in next(block for block in blocks if block.startswith("whole"))
    document = call("--home", home, "status", "--json")
    rows = {row["classifier"]: row for row in json.loads(document.out)["classifiers"]}
    assert (document.code, set(rows["tickets"]), rows["whole"]["live"]) == (1, {"classifier", "error"}, None)
    assert says in rows["tickets"]["error"]["message"]
    checked = call("--home", home, "status", "--check").out
    assert "unknown" not in checked or checked.startswith("FAULT: tickets: unknown")
    assert "unexpected" not in call("--home", home, "doctor").err
