"""A week that its annotators blocked is adjudicated in the review queue, and the same week passes."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import dagster as dg
import pytest

from orchestration.definitions import build_definitions
from ratchet.core.cycle import Cycle
from ratchet.gates.rederivation import derive_again
from ratchet.review.reasons import BLOCKED, CONFLICT
from ratchet.storage.receipts import Receipts
from ratchet.storage.rollout.quarantine import Quarantine
from ratchet.storage.specs import Specs
from ratchet.storage.warehouse import Warehouse
from ratchet.testing.homes import WORDS, SmallClassifier
from ratchet.workflows.review.answer import land_corrections
from ratchet.workflows.review.queue import ReviewQueue

pytestmark = pytest.mark.slow  # real steps of a cycle

WEEK = date(2026, 1, 12)
NOON = datetime.combine(WEEK + timedelta(days=8), time(12, tzinfo=UTC))
LABELS = list(WORDS)
Rows = list[dict[str, Any]]
DOUBLED, OF_BOB = 60, 75
"""Requests up to the first number have two labels; up to the second only that of the bad annotator."""


def truth(request: str) -> str:
    """The right label of a request."""
    return LABELS[int(request[-4:]) % len(LABELS)]


def careless(logs: Rows, corrections: Rows) -> None:
    """One of two annotators gives every second request another label, and some requests have their label alone."""
    for row in corrections:
        row["saw_prediction"] = False
        if row["annotator"] == "ann_b" and int(row["request_id"][-4:]) % 2:
            row["label"] = LABELS[(LABELS.index(row["label"]) + 1) % len(LABELS)]

    def stays(row: dict[str, Any]) -> bool:
        number = int(row["request_id"][-4:])
        return number < DOUBLED or (row["annotator"] == "ann_b") is (number < OF_BOB)

    corrections[:] = [row for row in corrections if stays(row)]


@pytest.fixture
def run_data(small: SmallClassifier, instance: dg.DagsterInstance) -> Callable[[date], bool]:
    """Run a cycle up to its training set, checks included; return whether it passed."""

    def run(week: date) -> bool:
        instance.add_dynamic_partitions("classifiers", [small.name])
        job = build_definitions(str(small.home.root)).resolve_job_def("weekly_cycle")
        return job.execute_in_process(
            instance=instance,
            partition_key=dg.MultiPartitionKey({"classifier": small.name, "week": str(week)}),
            asset_selection=[dg.AssetKey(name) for name in ("production_logs", "corrected_labels", "training_set")],
            raise_on_error=False,
        ).success

    return run


def answer_all(small: SmallClassifier, person: str) -> Rows:
    """Answer what waits for a person, rightly; return the corrections, landed."""
    queue = ReviewQueue.open(small.home, small.name, Specs(small.home)[small.name], clock=lambda: NOON)
    rows: Rows = []
    while queue.batch(person).of:
        while item := queue.current(person):
            label = truth(item.request_id)
            rows.append(queue.correction(person, person, item.request_id, label=label, saw_prediction=False))
            queue.record(rows[-1])
    queue.close()
    land_corrections(small.home, small.name, rows)
    return rows


def waiting(small: SmallClassifier) -> dict[str, int]:
    """Numbers of requests that wait, by reason."""
    queue = ReviewQueue.open(small.home, small.name, Specs(small.home)[small.name], clock=lambda: NOON)
    found = {each.reason: each.items for each in queue.waiting()}
    queue.close()
    return found


def labels_of(small: SmallClassifier) -> dict[str, tuple[str | None, str]]:
    """Label and status of each request of the week, as the newest cycle left them."""
    sql = "SELECT request_id, label, status FROM labels WHERE classifier = 'small' AND week = ?"
    with Warehouse(small.home.warehouse("small")).connect() as connection:
        return {request: (label, status) for request, label, status in connection.execute(sql, [WEEK]).fetchall()}


def test_a_week_blocked_by_its_annotators_passes_once_it_is_adjudicated(
    small: SmallClassifier, run_data: Callable[[date], bool]
) -> None:
    """The batch ends the quarantine, recorded; who stays under the limit is left out, and what only they labelled is
    asked again. Receipts name nobody, and nothing that was decided is asked twice."""
    small.write_week(WEEK, careless)
    assert not run_data(WEEK)
    assert Quarantine(small.home).state("small").weeks == (str(WEEK),)
    disagreements = DOUBLED // 2
    assert waiting(small) == {CONFLICT: disagreements, BLOCKED: disagreements}
    given = answer_all(small, "ann_c")
    assert {row["chosen"] for row in given} == {"adjudication"}

    assert run_data(WEEK)
    receipt = Receipts(small.home).read(Cycle("small", WEEK))["label_agreement"]
    assert receipt.verdict.outcome == "passed"
    assert "1 of 2 annotators stay under the limit of 90% against what is known (30 of 60)" in receipt.verdict.reason
    assert "ann_b" not in str(receipt.verdict)
    assert derive_again("label_agreement", receipt.verdict.evidence) == receipt.verdict
    assert Quarantine(small.home).state("small").weeks == ()
    assert [entry.action for entry in Quarantine(small.home).entries("small")] == ["hold", "release"]
    labels = labels_of(small)
    assert len(labels) == small.requests
    alone = {request for request in labels if DOUBLED <= int(request[-4:]) < OF_BOB}
    assert {request for request, (label, _) in labels.items() if label is None} == alone
    assert {labels[request][1] for request in alone} == {"left_out"}
    assert all(label in {truth(request), None} for request, (label, _) in labels.items())
    assert waiting(small) == {BLOCKED: len(alone)}
    noted = Receipts(small.home).noted(Cycle("small", WEEK))["labels"]
    counts = {key: noted[key] for key in ("judging", "only_train", "adjudicated", "left_out", "to_adjudicate")}
    assert counts == {
        "judging": small.requests - len(alone), "only_train": 0, "adjudicated": disagreements, "left_out": len(alone),
        "to_adjudicate": 0,
    }  # fmt: skip
    dropped = Warehouse(small.home.warehouse("small")).frame("SELECT reason, count(*) AS n FROM dropped GROUP BY ALL")
    assert dict(zip(dropped["reason"], dropped["n"], strict=True))["left_out"] == len(alone)
    assert {row["request_id"] for row in answer_all(small, "ann_c")} == alone
    assert waiting(small) == {}
