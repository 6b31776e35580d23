"""Requests that stop a cycle come into the queue: by gate, by conflict and by thin class, and none that was decided."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ratchet.config.policy import Limits
from ratchet.config.spec import Label, Spec
from ratchet.core.cycle import Cycle
from ratchet.core.verdict import Verdict
from ratchet.data.label_rules import ADD, LabelRule, LabelRules
from ratchet.ingest.rebuild import open_warehouse
from ratchet.review.reasons import EXAMPLES
from ratchet.storage.home import Home
from ratchet.storage.review.event_log import list_logs, read_lines
from ratchet.storage.warehouse import Warehouse
from ratchet.workflows.review.blocked_rows import queue_blocked, queue_thin_classes
from ratchet.workflows.review.label_rows import ask_about

WEEK, NAME = date(2026, 2, 23), "small"
CYCLE = Cycle(NAME, WEEK)
SPEC = Spec(NAME, (Label("a"), Label("b"), Label("c")), limits=Limits(min_examples_per_class=3))
AT = datetime(2026, 2, 24, tzinfo=UTC)
VOTES: dict[str, tuple[str, list[tuple[str, str | None, str | None]]]] = {
    "alike": ("consensus", [("ann", "a", None), ("bob", "a", None)]),
    "differ": ("adjudicate", [("ann", "a", None), ("bob", "b", None)]),
    "decided": ("consensus", [("ann", "a", None), ("bob", "b", None), ("cem", "b", "other")]),
    "by value": ("adjudicate", [("ann", "a", None), ("bob", "b", None)]),
    "out": ("left_out", [("bob", "c", None)]),
    "unknown": ("consensus", [("ann", "z", None)]),
    "contradicted": ("consensus", [("ann", "a", None)]),
}
"""Status and votes (annotator, label, whether it decides) of requests; all have the same text but for the name."""


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """A warehouse with these requests, and some that nobody labelled."""
    warehouse = open_warehouse(Home(tmp_path), NAME)
    free = [("served c", "c", 0.9), ("unsure c", "c", 0.4), ("served a", "a", 0.3), ("served b", "b", 0.1)]
    logs = [(each, "a", 0.5) for each in VOTES] + free
    base: dict[str, Any] = {"classifier": NAME, "week": WEEK}
    frames = {
        "production_logs": [
            base | {"request_id": r, "ts": AT, "text": f"mail me@example.org, {r}", "label": s, "confidence": c}
            for r, s, c in logs
        ],
        "votes": [
            base | {"request_id": request, "annotator": who, "ts": AT + timedelta(hours=1), "label": label,
                    "saw_prediction": False, "adjudicates": decides, "drawn": request != "by value",
                    "chosen": "value" if request == "by value" else None}
            for request, (_, votes) in VOTES.items() for who, label, decides in votes
        ],
        "labels": [
            base | {"request_id": request, "label": "c" if request == "decided" else votes[0][1], "status": status,
                    "annotators": len(votes), "votes": 1, "agreement": 1.0, "blind": True}
            for request, (status, votes) in VOTES.items()
        ],
        "predictions": [
            base | {"model": "candidate", "adapter": "d", "split": split, "item": item, "text": "t", "label": "a",
                    "predicted": predicted, "confidence": 0.5}
            for split, item, predicted in (
                ("test", "contradicted", "b"), ("test", "decided", "b"), ("test", "alike", "a"), ("golden", "g", "b")
            )
        ],
    }  # fmt: skip
    with warehouse.connect() as connection:
        for table, rows in frames.items():
            connection.register("rows", pd.DataFrame(rows))
            connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM rows")
            connection.unregister("rows")
        connection.execute(
            "INSERT INTO corrections (classifier, request_id, ts, label, annotator, saw_prediction, week)"
            " SELECT classifier, request_id, ts, label, annotator, saw_prediction, week FROM votes"
        )
    return warehouse


CASES: dict[str, tuple[str, Verdict, set[tuple[str, str]]]] = {
    "disagreements, conflicts, and labels left out": (
        "label_agreement", Verdict("failed", ""),
        {("differ", "blocked"), ("out", "blocked"), ("differ", "conflict"), ("by value", "conflict")},
    ),
    "an earlier week fails": (
        "label_agreement", Verdict("passed", "", {"weeks": {str(WEEK): {"outcome": "failed"}}}),
        {("differ", "blocked"), ("out", "blocked"), ("differ", "conflict"), ("by value", "conflict")},
    ),
    "a contradicted class": (
        "golden_agreement",
        Verdict("failed", "", {"classes": {"a": {"contradicted": True}, "b": {"contradicted": False}}}),
        {("contradicted", "blocked")},
    ),
    "a golden agreement that passes": (
        "golden_agreement", Verdict("passed", "", {"classes": {"a": {"contradicted": False}}}), set(),
    ),
    "leaks": (
        "leakage", Verdict("failed", "", {"first": [{"train_item": "alike"}, {"train_item": "decided"}]}),
        {("alike", "blocked")},
    ),
    "labels that are not known": (
        "row_quality", Verdict("failed", "", {"broken": [{"table": "corrections", "column": "label"}]}),
        {("unknown", "blocked")},
    ),
    "logs that no label puts right": (
        "row_quality", Verdict("failed", "", {"broken": [{"table": "production_logs", "column": "ts"}]}), set(),
    ),
    "another gate": ("label_distribution", Verdict("failed", ""), set()),
}  # fmt: skip


def queued(home: Home) -> list[dict[str, Any]]:
    """Every line that the cycle wrote into the queue's log."""
    return [line for path in list_logs(home, NAME) for line, _, _ in read_lines(path, 0)]


def test_what_stops_a_cycle_is_queued(warehouse: Warehouse, tmp_path: Path) -> None:
    """By gate, each with its number and reason, redacted, asked again from its newest answer on."""
    home, before = Home(tmp_path), 0
    for name, (gate, verdict, expected) in CASES.items():
        found = queue_blocked(home, warehouse, SPEC, CYCLE, gate, verdict)
        lines = queued(home)[before:]
        before += len(lines)
        assert (found, {(line["request_id"], line["reason"]) for line in lines}) == (len(expected), expected), name
        for line in lines:
            assert "me@example.org" not in line["text"]
            assert datetime.fromisoformat(line["ts"]) > AT
            assert line["chosen"] == ("value" if line["request_id"] == "by value" else "random")
        if gate == "golden_agreement" and lines:
            assert lines[0]["detail"] == f"this request made golden_agreement of {WEEK} fail"


def test_a_thin_class_asks_for_requests_that_were_served_with_it_or_near_it(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    """The unsure ones first, then those of a label that people turned into it; none that has an answer."""
    home = Home(tmp_path)
    assert queue_thin_classes(home, warehouse, SPEC, CYCLE, {"a": 3, "b": 3, "c": 1}) == 3
    lines = queued(home)
    assert [line["request_id"] for line in lines] == ["unsure c", "served c", "served a"]
    assert {(line["reason"], line["chosen"]) for line in lines} == {("thin_class", "value")}
    assert {line["detail"] for line in lines} == {"c has 1 training examples of 3"}
    assert queue_thin_classes(home, warehouse, SPEC, CYCLE, {"a": 3, "b": 3, "c": 3}) == 0


def test_a_new_label_asks_for_requests_without_one_that_may_be_of_it(warehouse: Warehouse, tmp_path: Path) -> None:
    """First those that no label fits, then the unsure ones; nothing that is labelled, and nothing once there is
    enough."""
    home, rule = Home(tmp_path), LabelRule(ADD, (), ("b",), AT)
    with warehouse.connect() as connection:
        connection.execute(
            "INSERT INTO corrections (classifier, request_id, ts, answer, annotator, saw_prediction, week)"
            " VALUES (?, 'served c', ?, 'none', 'ann', false, ?)", [NAME, AT, WEEK],
        )  # fmt: skip
    few = replace(SPEC, limits=Limits(min_examples_per_class=9))
    assert ask_about(home, warehouse, few, rule, LabelRules((rule,))) == (4, EXAMPLES)
    lines = sorted(queued(home), key=lambda line: -float(line["value"]))
    assert [line["request_id"] for line in lines] == ["served c", "served b", "served a", "unsure c"]
    assert {(line["reason"], line["chosen"], line["detail"]) for line in lines} == {
        (EXAMPLES, "value", "the new label b lacks examples")
    }
    enough = replace(SPEC, limits=Limits(min_examples_per_class=1))
    assert ask_about(home, warehouse, enough, rule, LabelRules((rule,))) == (0, EXAMPLES)
