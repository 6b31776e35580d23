"""Exports of other tools come in with every row accounted for: logs, corrections and examples, or a reason.

The rows are written by hand after the tools' published formats.
"""

import csv
import json
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ratchet.core.errors import RatchetError, UsageError
from ratchet.data.tool_exports.registry import TOOLS
from ratchet.data.tool_exports.tool_rows import FieldNames
from ratchet.ingest.landing import Landing
from ratchet.ingest.rebuild import open_warehouse
from ratchet.ingest.result import IngestResult
from ratchet.storage.home import Home
from ratchet.storage.specs import Specs
from ratchet.testing.homes import SmallClassifier, write_lines
from ratchet.workflows.ingest_export import convert_rows, deliver_exports

AT = "2026-01-06T10:00:00.250000Z"
EPOCH = int(datetime(2026, 1, 6, 10, tzinfo=UTC).timestamp())


def uuid7(number: int) -> str:
    """An id of version 7 made at `EPOCH`."""
    return str(uuid.UUID(int=(EPOCH * 1000) << 80 | 7 << 76 | 2 << 62 | number))


def annotation(choice: str | None, **more: Any) -> dict[str, Any]:
    """One annotation of Label Studio."""
    value = {"from_name": "topic", "to_name": "text", "type": "choices", "value": {"choices": [choice]}}
    return {
        "id": 7,
        "completed_by": 3,
        "was_cancelled": False,
        "created_at": AT,
        "updated_at": AT,
        "lead_time": 4.5,
        "parent_prediction": None,
        "result": [value] if choice else [],
        **more,
    }


def task(request: str | None, *annotations: dict[str, Any], **more: Any) -> dict[str, Any]:
    """One task of Label Studio."""
    data = {"text": f"text of {request}", **({"request_id": request} if request else {}), **more.pop("data", {})}
    return {"id": 1, "data": data, "annotations": [*annotations], "predictions": [], "created_at": AT, **more}


PREDICTED = {"model_version": "v1", "score": 0.9, "result": annotation("amber")["result"]}
CHOICE = {"_input_hash": 1, "_task_hash": 2, "_view_id": "choice", "_timestamp": EPOCH, "_annotator_id": "set-ann"}


@dataclass(frozen=True)
class Case:
    """An export, and what must come of it."""

    tool: str
    rows: list[dict[str, Any]]
    logs: int = 0
    corrections: list[tuple[str, str, str, bool]] = field(default_factory=list)
    """Request, label, annotator and sight of the prediction, where the command says `--blind`."""
    examples: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    mapping: dict[str, str] = field(default_factory=dict)
    form: str = "json"
    unknown: tuple[str, str, str, bool] | None = None
    """A correction whose label the classifier does not have."""


CASES: dict[str, Case] = {
    "label studio, tasks": Case(
        "label-studio",
        [
            task("r1", annotation("green"), annotation("amber", completed_by={"id": 4, "email": "b@example.org"})),
            task("r2", annotation("green", parent_prediction=12)),
            task("r3", annotation("green"), predictions=[PREDICTED]),
            task("r4", annotation(None, was_cancelled=True)),
            task("r5", annotation(None)),
            task("r6", drafts=[{"id": 1}]),
            task("r7"),
            task(None, annotation("violet"), data={"text": "an old text"}),
            task("r1", annotation("crimson", completed_by=5)),
        ],
        corrections=[
            ("r1", "amber", "b@example.org", False),
            ("r1", "green", "3", False),
            ("r2", "green", "3", True),
            ("r3", "green", "3", True),
        ],
        examples={"an old text": "violet"},
        reasons={
            "skipped by its annotator": 1,
            "its annotation holds no choice": 1,
            "only a draft, not submitted": 1,
            "has no annotation": 1,
        },
        unknown=("r1", "crimson", "5", False),
    ),
    "label studio, with what was served": Case(
        "label-studio",
        [task("n1", annotation("green"), data={"ts": "2026-01-06T09:00:00Z", "served": "amber"})],
        logs=1,
        corrections=[("n1", "green", "3", False)],
    ),
    "label studio, two controls and another text": Case(
        "label-studio",
        [
            {
                **task(None, annotation("green")),
                "data": {"body": "a body"},
                "annotations": [
                    annotation(
                        None,
                        result=[
                            *annotation("green")["result"],
                            {"from_name": "tone", "type": "choices", "value": {"choices": ["angry"]}},
                        ],
                    )
                ],
            }
        ],
        examples={"a body": "green"},
        mapping={"text": "body", "label": "topic"},
    ),
    "label studio, JSON_MIN": Case(
        "label-studio",
        [
            {
                "id": 1,
                "text": "text of r1",
                "request_id": "r1",
                "topic": "green",
                "annotator": 3,
                "annotation_id": 7,
                "created_at": AT,
                "updated_at": AT,
                "lead_time": 2.0,
            },
            {"id": 2, "text": "an old text", "topic": {"choices": ["violet"]}, "annotator": 3, "annotation_id": 8},
            {"id": 3, "text": "another", "topic": {"choices": ["violet", "amber"]}, "annotator": 3, "annotation_id": 9},
        ],
        corrections=[("r1", "green", "3", False)],
        examples={"an old text": "violet"},
        reasons={"it has several labels, and a row needs one": 1},
    ),
    "label studio, CSV": Case(
        "label-studio",
        [
            {
                "annotation_id": 7,
                "annotator": 3,
                "created_at": AT,
                "id": 1,
                "lead_time": 2.0,
                "request_id": "r1",
                "text": "text of r1",
                "topic": "green",
                "updated_at": AT,
            },
            {
                "annotation_id": 8,
                "annotator": 3,
                "created_at": AT,
                "id": 2,
                "lead_time": 2.0,
                "request_id": "r2",
                "text": "text of r2",
                "topic": '{"choices": ["amber", "green"]}',
                "updated_at": AT,
            },
        ],
        corrections=[("r1", "green", "3", False)],
        reasons={"it has several labels, and a row needs one": 1},
        form="csv",
    ),
    "argilla, records": Case(
        "argilla",
        [
            {
                "id": "a",
                "status": "completed",
                "fields": {"text": "text of r1"},
                "metadata": {"request_id": "r1"},
                "suggestions": {},
                "vectors": {},
                "responses": {
                    "topic": [
                        {"value": "green", "user_id": "u1", "status": "submitted", "updated_at": AT},
                        {"value": "amber", "user_id": "u2", "status": "draft"},
                        {"value": "amber", "user_id": "u3", "status": "discarded"},
                    ]
                },
            },
            {
                "id": "b",
                "fields": {"text": "text of r2"},
                "metadata": {"request_id": "r2"},
                "suggestions": {"topic": {"value": "green", "score": 0.9, "agent": "m"}},
                "responses": [
                    {"values": {"topic": {"value": "green"}}, "status": "submitted", "user_id": "u1", "inserted_at": AT}
                ],
            },
            {
                "id": "c",
                "fields": {"text": "an old text"},
                "metadata": {},
                "suggestions": {},
                "responses": {"topic": [{"value": "violet", "user_id": "u1"}]},
            },
            {"id": "d", "status": "pending", "fields": {"text": "later"}, "suggestions": {}, "responses": {}},
        ],
        corrections=[("r1", "green", "u1", False), ("r2", "green", "u1", True)],
        examples={"an old text": "violet"},
        reasons={"a draft, not submitted": 1, "discarded by its annotator": 1, "has no response": 1},
    ),
    "argilla, flat": Case(
        "argilla",
        [
            {
                "id": "a",
                "text": "an old text",
                "topic.responses": ["violet"],
                "topic.responses.users": ["u1"],
                "topic.responses.status": ["submitted"],
                "topic.suggestion": "violet",
            },
            {"id": "b", "text": "more", "topic.responses": None, "topic.responses.users": None},
        ],
        examples={"an old text": "violet"},
        reasons={"has no response": 1},
    ),
    "argilla, version 1": Case(
        "argilla",
        [
            {
                "text": None,
                "inputs": {"text": "text of r1"},
                "annotation": "green",
                "annotation_agent": "ann",
                "prediction": None,
                "status": "Validated",
                "metadata": {"request_id": "r1"},
                "event_timestamp": AT,
            },
            {"text": "x", "annotation": None, "annotation_agent": None, "status": "Default"},
            {"text": "y", "annotation": None, "annotation_agent": "ann", "status": "Discarded"},
        ],
        corrections=[("r1", "green", "ann", False)],
        reasons={"has no response": 1, "discarded by its annotator": 1},
    ),
    "prodigy": Case(
        "prodigy",
        [
            {"text": "text of r1", "meta": {"request_id": "r1"}, "accept": ["green"], "answer": "accept", **CHOICE},
            {"text": "an old text", "label": "violet", "answer": "accept", "_input_hash": 3},
            {"text": "text of r2", "request_id": "r2", "label": "green", "score": 0.4, "answer": "accept", **CHOICE},
            {"text": "no", "label": "violet", "answer": "reject", **CHOICE},
            {"text": "skip", "accept": [], "answer": "ignore", **CHOICE},
            {"text": "none", "accept": [], "answer": "accept", **CHOICE},
            {"text": "two", "accept": ["green", "amber"], "answer": "accept", **CHOICE},
        ],
        corrections=[("r1", "green", "set-ann", False), ("r2", "green", "set-ann", True)],
        examples={"an old text": "violet"},
        reasons={
            "rejected by its annotator, who gave no other label": 1,
            "ignored by its annotator": 1,
            "no label was chosen": 1,
            "it has several labels, and a row needs one": 1,
        },
        form="jsonl",
    ),
    "doccano, JSONL": Case(
        "doccano",
        [
            {"id": 1, "text": "an old text", "label": ["violet"], "Comments": ["sure"]},
            {"id": 2, "data": "a desk lamp", "label": ["green"]},
            {"id": 3, "text": "nothing", "label": []},
            {"id": 4, "text": "two", "label": ["green", "amber"]},
        ],
        examples={"an old text": "violet", "a desk lamp": "green"},
        reasons={"has no label": 1, "it has several labels, and a row needs one": 1},
        form="jsonl",
    ),
    "doccano, CSV": Case(
        "doccano",
        [{"id": 1, "text": "an old text", "label": "violet"}, {"id": 2, "text": "nothing", "label": ""}],
        examples={"an old text": "violet"},
        reasons={"has no label": 1},
        form="csv",
    ),
    "doccano, annotations of each user": Case(
        "doccano",
        [
            {
                "id": 1,
                "text": "text of r1",
                "meta": {"request_id": "r1"},
                "annotations": [{"label": "green", "user": "ann", "updated_at": AT}],
            }
        ],
        corrections=[("r1", "green", "ann", False)],
        form="jsonl",
    ),
    "openpipe, a dataset": Case(
        "openpipe",
        [
            {
                "messages": [{"role": "user", "content": "an old text"}, {"role": "assistant", "content": "violet"}],
                "split": "TRAIN",
            },
            {
                "messages": [
                    {"role": "user", "content": "x"},
                    {"role": "assistant", "content": None, "tool_calls": [{"id": ""}]},
                ],
                "split": "TEST",
            },
        ],
        examples={"an old text": "violet"},
        reasons={"the content of a message of the assistant is not text": 1},
        form="jsonl",
    ),
    "openpipe, logged requests": Case(
        "openpipe",
        [
            {
                "input": {
                    "model": "m",
                    "messages": [{"role": "system", "content": "Classify."}, {"role": "user", "content": "a request"}],
                },
                "output": {"id": "o1", "created": EPOCH, "model": "m", "choices": [{"message": {"content": "green"}}]},
                "tags": {},
            },
            {"input": {"messages": [{"role": "user", "content": "x"}]}, "output": {"error": "rate limit"}},
            {
                "input": {"messages": [{"role": "user", "content": "x"}]},
                "output": {"choices": [{"message": {"content": "green"}}]},
            },
        ],
        logs=1,
        reasons={"the request failed: its output has no answer": 1, "the logged request has no id or no time": 1},
        form="jsonl",
    ),
    "tensorzero": Case(
        "tensorzero",
        [
            {
                "id": uuid7(1),
                "function_name": "classify",
                "variant_name": "v1",
                "processing_time_ms": 12,
                "input": json.dumps(
                    {"messages": [{"role": "user", "content": [{"type": "text", "value": "a request"}]}]}
                ),
                "output": json.dumps([{"type": "text", "text": "green"}]),
                "timestamp": "2026-01-06 10:00:00",
            },
            {
                "id": uuid7(2),
                "function_name": "extract",
                "variant_name": "v1",
                "input": {
                    "messages": [{"role": "user", "content": [{"type": "text", "arguments": {"mail": "second"}}]}]
                },
                "output": json.dumps({"raw": '{"label": "amber"}', "parsed": {"label": "amber"}}),
            },
            {
                "id": uuid7(3),
                "inference_id": uuid7(1),
                "value": json.dumps([{"type": "text", "text": "amber"}]),
                "tags": {"annotator": "ann"},
            },
            {"id": uuid7(4), "inference_id": uuid7(2), "value": '{"parsed": {"label": "green"}}', "tags": {}},
            {"id": uuid7(5), "target_id": uuid7(1), "metric_name": "right", "value": True},
            {"id": uuid7(6), "target_id": uuid7(1), "target_type": "inference", "value": "hm"},
        ],
        logs=2,
        corrections=[(uuid7(1), "amber", "ann", False)],
        reasons={
            "the demonstration names no annotator (tags: annotator, user, user_id)": 1,
            "the metric right is feedback, not a label": 1,
            "a comment is feedback, not a label": 1,
        },
        form="jsonl",
    ),
}


@pytest.fixture
def small(tmp_path: Path) -> SmallClassifier:
    """A classifier with the requests r1 to r7."""
    small = SmallClassifier(Home(tmp_path / "home"))
    small.write()
    logs = [
        {"request_id": f"r{n}", "ts": "2026-01-06T08:00:00Z", "text": f"text of r{n}", "label": "green"}
        for n in range(1, 8)
    ]
    write_lines(small.home.landing(small.name, "production_logs") / "logs.jsonl", logs)
    Landing(small.home, open_warehouse(small.home, small.name)).take(Specs(small.home)[small.name])
    return small


def _write(case: Case, folder: Path) -> Path:
    path = folder / f"export.{case.form}"
    if case.form == "json":
        path.write_text(json.dumps(case.rows))
    elif case.form == "jsonl":
        write_lines(path, case.rows)
    else:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(case.rows[0]))
            writer.writeheader()
            writer.writerows(case.rows)
    return path


def _deliver(small: SmallClassifier, case: Case, path: Path, saw: bool | None = False) -> list[IngestResult]:
    landing = Landing(small.home, open_warehouse(small.home, small.name))
    return [*deliver_exports(landing, Specs(small.home)[small.name], case.tool, [path], case.mapping, saw)]


@pytest.mark.parametrize("name", CASES)
def test_every_row_of_an_export_becomes_something_or_gives_its_reason(name: str, tmp_path: Path) -> None:
    """Logs, corrections with who gave them and what they saw, examples; nothing is left over."""
    case = CASES[name]
    found = convert_rows(_write(case, tmp_path), TOOLS[case.tool], FieldNames(**case.mapping), saw=False)
    rows = [(kind, row.line, row.values, row.reason) for kind, row in found]
    reasons = Counter(reason for _, _, _, reason in rows if reason)
    assert dict(reasons) == case.reasons
    assert sum(kind == "production_logs" for kind, *_ in rows) == case.logs
    votes = [
        (str(row["request_id"]), row["label"], str(row["annotator"]), row["saw_prediction"])
        for kind, _, row, reason in rows
        if kind == "corrections" and not reason
    ]
    assert sorted(votes) == sorted([*case.corrections, *([case.unknown] if case.unknown else [])])
    assert case.examples == {
        row["text"]: row["label"] for kind, _, row, reason in rows if kind == "labelled_examples" and not reason
    }
    first = 2 if case.form == "csv" else 1
    assert {line for _, line, _, _ in rows} == set(range(first, first + len(case.rows)))


def test_what_comes_of_an_export_is_landed_once_and_counted(small: SmallClassifier, tmp_path: Path) -> None:
    """Each kind by the rules of the intake; the reports list the rest, and the same export again brings duplicates."""
    for name in ("label studio, tasks", "tensorzero"):
        case = CASES[name]
        path = _write(case, tmp_path)
        done = _deliver(small, case, path)
        warehouse = open_warehouse(small.home, small.name)
        votes = warehouse.frame("SELECT request_id, label, annotator, saw_prediction FROM corrections")
        assert {*votes.itertuples(index=False, name=None)} >= set(case.corrections)
        expected = {**case.reasons, **({"label is not in classifier.toml": 1} if case.unknown else {})}
        reasons: Counter[str] = Counter()
        for each in done:
            reasons.update(each.reasons)
            assert each.file == path.name
        assert dict(reasons) == expected
        reports = small.home.rejected(small.name).glob(f"*{path.name}*")
        assert sum(len(report.read_text().splitlines()) for report in reports) == sum(expected.values())
        again = _deliver(small, case, path)
        assert sum(each.accepted for each in again) == 0
        assert sum(each.duplicate for each in again) == sum(each.accepted for each in done)
    given = warehouse.frame("SELECT text, label FROM labelled_examples")
    assert dict(given.itertuples(index=False, name=None)) == CASES["label studio, tasks"].examples


def test_times_ids_and_seconds_are_those_of_the_tool(small: SmallClassifier, tmp_path: Path) -> None:
    """A UUID of version 7 is its own time, a lead time the seconds of the answer."""
    for name in ("tensorzero", "label studio, tasks"):
        _deliver(small, CASES[name], _write(CASES[name], tmp_path))
    warehouse = open_warehouse(small.home, small.name)
    log = warehouse.frame("SELECT ts, text, label, latency_ms, adapter FROM production_logs WHERE text = 'a request'")
    assert (log["ts"].iloc[0].timestamp(), log["latency_ms"].iloc[0], log["adapter"].iloc[0]) == (EPOCH, 12.0, "v1")
    assert warehouse.count("production_logs", small.name) == 9
    seconds = warehouse.frame("SELECT seconds FROM corrections WHERE request_id = 'r1'")["seconds"]
    assert set(seconds) == {4.5}


def test_what_an_export_does_not_say_of_blindness_must_be_said(small: SmallClassifier, tmp_path: Path) -> None:
    """Without a word nothing is landed; examples alone need none, since they are never blind."""
    case = CASES["label studio, tasks"]
    with pytest.raises(UsageError, match="does not say of 3 labels") as caught:
        _deliver(small, case, _write(case, tmp_path), None)
    assert "--blind" in caught.value.hint
    assert open_warehouse(small.home, small.name).count("labelled_examples", small.name) == 0
    _deliver(small, CASES["doccano, CSV"], _write(CASES["doccano, CSV"], tmp_path), None)
    shown = Case("label-studio", [task("r2", annotation("green", parent_prediction=1))])
    assert _deliver(small, shown, _write(shown, tmp_path), None)[0].accepted == 1


@pytest.mark.parametrize("tool", TOOLS)
def test_a_file_of_another_tool_is_named_and_a_row_of_another_kind_costs_itself(tool: str, tmp_path: Path) -> None:
    """The keys that it has say what it is."""
    other, reader = tmp_path / "other.jsonl", TOOLS[tool]
    write_lines(other, [{"when": 1, "what": "x"}])
    with pytest.raises(RatchetError, match=rf"is not an export of {reader.title}: its rows have 'when', 'what'"):
        list(convert_rows(other, reader, FieldNames(), saw=None))
    case = next(each for each in CASES.values() if each.tool == tool and each.form != "csv")
    mixed = tmp_path / "mixed.jsonl"
    write_lines(mixed, [*case.rows, {"when": 1}])
    with mixed.open("a") as file:
        file.write("[not a row\n")
    found = [row for _, row in convert_rows(mixed, reader, FieldNames(), saw=False) if row.line > len(case.rows)]
    last = [(row.line - len(case.rows), row.reason) for row in found]
    assert last == [(1, f"it is not a row of {reader.title}"), (2, "is not JSON")]
