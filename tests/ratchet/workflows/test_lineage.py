"""Events of OpenLineage are made of our own records: one START and one end for each run, with what it read and made."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.files import append_line
from ratchet.storage.home import Home
from ratchet.storage.locks.process_locks import try_lock
from ratchet.storage.reports import Reports, StageResult
from ratchet.testing.year_of_weeks import write_year
from ratchet.workflows.lineage import list_events

_FACETS = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "required": ["_producer", "_schemaURL"],
        "properties": {
            "_producer": {"type": "string", "format": "uri"},
            "_schemaURL": {"type": "string", "format": "uri"},
        },
    },
}
_NAMED = {
    "type": "object",
    "required": ["namespace", "name"],
    "properties": {"namespace": {"type": "string"}, "name": {"type": "string"}, "facets": _FACETS},
}
RUN_EVENT = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["eventTime", "producer", "schemaURL", "run", "job"],
    "properties": {
        "eventType": {"enum": ["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]},
        "eventTime": {"type": "string", "format": "date-time"},
        "producer": {"type": "string", "format": "uri"},
        "schemaURL": {"const": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"},
        "run": {
            "type": "object",
            "required": ["runId"],
            "properties": {"runId": {"type": "string", "format": "uuid"}, "facets": _FACETS},
        },
        "job": _NAMED,
        "inputs": {"type": "array", "items": _NAMED},
        "outputs": {"type": "array", "items": _NAMED},
    },
}
"""What the specification 2-0-2 demands of a run event, written by us: its own schema is in no package index."""
WEEK = Cycle("small", parse_week("2026-01-05"))


def need_valid(event: dict[str, Any]) -> None:
    """Raise for an event that the specification does not allow."""
    jsonschema.validate(event, RUN_EVENT, format_checker=jsonschema.FormatChecker())
    assert datetime.fromisoformat(event["eventTime"]).tzinfo is not None


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with eight weeks, of which the seventh was blocked."""
    found = Home(tmp_path)
    write_year(found, weeks=8, labels=3, first=date(2026, 1, 5))
    return found


@pytest.mark.feature(36)
def test_every_run_has_its_start_and_its_end(home: Home) -> None:
    """In order, each valid; the blocked week fails with the sentence of its check."""
    home.golden("small").write_text('{"text": "a", "label": "label_00"}\n')
    Reports(home).record(WEEK, [StageResult("eval_report", "pass", 1.0)], "11111111-1111-4111-8111-111111111111")
    events = list(list_events(home, "small"))
    for event in events:
        need_valid(event)
    assert [event["eventType"] for event in events] == ["START", "COMPLETE"] * 6 + ["START", "FAIL"] + [
        "START",
        "COMPLETE",
    ] * 2
    failed = next(event for event in events if event["eventType"] == "FAIL")
    assert failed["run"]["facets"]["errorMessage"]["message"].startswith("blocked by label_agreement: Fails: ")
    assert failed["job"] | {"facets": 0} == {"namespace": "ratchet", "name": "small.weekly_cycle", "facets": 0}
    last = events[-1]
    assert last["run"]["runId"] == "11111111-1111-4111-8111-111111111111"
    assert [each["name"].rpartition("/")[2] for each in last["inputs"]] == ["golden.jsonl"]
    assert [each["name"].split("/")[-2] for each in last["outputs"]] == ["adapters", "2026-01-05"]
    assert len({event["run"]["runId"] for event in events}) == 9


def test_a_version_is_that_of_the_files_which_the_run_read(home: Home) -> None:
    """Files that landed later change no event of before."""
    manifest = home.manifest("small")
    row = '{"seq": %d, "kind": "production_logs", "file": "a%d", "sha256": "%s", "bytes": 1, "mtime_ns": 1, '
    row += '"labels": [], "max_text_chars": 9, "now": "2026-01-05T00:00:00+00:00"}'
    append_line(manifest, row % (1, 1, "a" * 64))
    Reports(home).record(WEEK, [StageResult("eval_report", "pass", 1.0)], "run-a")
    before = list(list_events(home, "small"))
    append_line(manifest, row % (2, 2, "b" * 64))
    Reports(home).record(WEEK, [StageResult("eval_report", "pass", 1.0)], "run-b")
    after = list(list_events(home, "small"))
    assert after[: len(before)] == before
    logs = [each["inputs"][0] for each in (before[-1], after[-1])]
    assert logs[0]["name"] == logs[1]["name"] == str(home.landing("small", "production_logs"))
    assert logs[0]["facets"]["version"] != logs[1]["facets"]["version"]


def test_a_run_that_was_killed_is_aborted_and_one_at_work_is_only_started(tmp_path: Path) -> None:
    """The lock of the cycle tells them apart."""
    home = Home(tmp_path)
    stages = [StageResult("production_logs", "pass", 1.0), StageResult("adapter", "skipped", 0.0, "not reached")]
    Reports(home).record(WEEK, stages, "run-1", now=datetime(2026, 1, 12, 6, tzinfo=UTC))
    with try_lock(home.cycle_lock("small")):
        assert [event["eventType"] for event in list_events(home, "small")] == ["START"]
    assert [event["eventType"] for event in list_events(home, "small")] == ["START", "ABORT"]


def test_weeks_of_an_earlier_version_are_read_from_their_results(home: Home) -> None:
    """Without a run log, the newest run of each week; `since` leaves out older weeks."""
    home.runs("small").unlink()
    events = list(list_events(home, "small", date(2026, 2, 9)))
    for event in events:
        need_valid(event)
    assert [event["eventType"] for event in events] == ["START", "COMPLETE", "START", "FAIL", "START", "COMPLETE"]
    assert events[0]["eventTime"] < events[1]["eventTime"]
