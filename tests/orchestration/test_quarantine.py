"""A week that a gate of the data blocked is no part of the next one: real steps, real receipts, real votes."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import dagster as dg
import pytest

from orchestration.definitions import build_definitions
from ratchet.core.cycle import Cycle
from ratchet.storage.receipts import Receipts
from ratchet.storage.rollout.quarantine import Quarantine
from ratchet.storage.warehouse import Warehouse
from ratchet.testing.homes import SmallClassifier, write_lines
from ratchet.workflows.status import describe_classifier

pytestmark = pytest.mark.slow  # real steps of a cycle, or one process after another

FIRST, SECOND, THIRD = (date(2026, 1, 5) + timedelta(days=7 * n) for n in range(3))
Rows = list[dict[str, Any]]
Run = Callable[..., dg.ExecuteInProcessResult]


def labels_wrong_by_one(logs: Rows, corrections: Rows) -> None:
    """One annotator gives every third request another label."""
    for row in corrections[1::6]:
        row["label"] = "violet" if row["label"] != "violet" else "amber"


def weeks_in(small: SmallClassifier, week: date) -> dict[str, int]:
    """How many examples of each week the cycle trained, calibrated or was judged on."""
    rows = Warehouse(small.home.warehouse("small")).frame(
        "SELECT request_id FROM examples WHERE classifier = 'small' AND week = ?", [week]
    )
    counts: dict[str, int] = {}
    for request in rows["request_id"]:
        counts[request[:10]] = counts.get(request[:10], 0) + 1
    return counts


def disagree_late(small: SmallClassifier, week: date) -> None:
    """Days later a third annotator contradicts every second label of a week that had passed."""
    rows = [
        {
            "request_id": f"{week}-{number:04d}", "ts": f"{THIRD}T10:00:00+00:00", "annotator": "ann_c",
            "label": ("green", "violet", "amber")[number % 3], "saw_prediction": False,
        }
        for number in range(0, small.requests, 2)
    ]  # fmt: skip
    write_lines(small.home.landing(small.name, "corrections") / "late.jsonl", rows)


@pytest.fixture
def run_data(small: SmallClassifier, instance: dg.DagsterInstance) -> Run:
    """Run a cycle up to its training set, checks included: what follows trains."""

    def run(week: date) -> dg.ExecuteInProcessResult:
        instance.add_dynamic_partitions("classifiers", [small.name])
        job = build_definitions(str(small.home.root)).resolve_job_def("weekly_cycle")
        return job.execute_in_process(
            instance=instance,
            partition_key=dg.MultiPartitionKey({"classifier": small.name, "week": str(week)}),
            asset_selection=[dg.AssetKey(name) for name in ("production_logs", "corrected_labels", "training_set")],
            raise_on_error=False,
        )

    return run


def test_a_blocked_week_neither_trains_nor_calibrates_until_a_person_says_so(
    small: SmallClassifier, run_data: Run
) -> None:
    """Counts stand in Dagster, in the notes that the report is built from, and in status."""
    for week, fault in ((FIRST, None), (SECOND, labels_wrong_by_one), (THIRD, None)):
        small.write_week(week, fault)
        result = run_data(week)
        assert result.success is (week != SECOND)
    assert Quarantine(small.home).state("small").weeks == (str(SECOND),)
    assert set(weeks_in(small, THIRD)) == {str(FIRST), str(THIRD)}
    (made,) = result.asset_materializations_for_node("training_set")
    assert str(SECOND) in str(made.metadata["quarantined weeks"])
    noted = Receipts(small.home).noted(Cycle("small", THIRD))["data"]
    assert noted["dropped"]["quarantined"] == small.requests
    assert noted["quarantined"][str(SECOND)].startswith("label_agreement: Fails")
    shown = describe_classifier(small.home, "small", Cycle("small", THIRD).end)
    assert (list(shown["quarantine"]), shown["quarantined_requests"]) == ([str(SECOND)], small.requests)
    assert not run_data(SECOND).success  # run again and blocked again, it stays held by the same line
    assert [entry.action for entry in Quarantine(small.home).entries("small")] == ["hold"]
    Quarantine(small.home).unquarantine("small", str(SECOND), "the guideline changed", "ann")
    assert run_data(THIRD).success
    assert weeks_in(small, THIRD)[str(SECOND)] > 0


def test_votes_that_come_late_are_judged_by_the_next_cycle(small: SmallClassifier, run_data: Run) -> None:
    """A week that had passed fails in the next cycle's label_agreement, and does not train; the cycle goes on."""
    for week in (FIRST, SECOND):
        small.write_week(week)
        assert run_data(week).success
    assert weeks_in(small, SECOND)[str(FIRST)] > 0
    disagree_late(small, FIRST)
    small.write_week(THIRD)
    assert run_data(THIRD).success
    assert set(weeks_in(small, THIRD)) == {str(SECOND), str(THIRD)}
    receipt = Receipts(small.home).read(Cycle("small", THIRD))["label_agreement"]
    assert receipt.verdict.outcome == "passed"
    assert f"Earlier weeks that fail, and do not train: {FIRST} (66.7%)" in receipt.verdict.reason
    outcomes = {week: found["outcome"] for week, found in receipt.verdict.evidence["weeks"].items()}
    assert outcomes == {str(FIRST): "failed", str(SECOND): "passed"}


def test_a_blocked_week_is_held_also_where_its_line_cannot_be_written(small: SmallClassifier, run_data: Run) -> None:
    """Here by a process that may not sign: the run fails, and the week's receipt holds it."""
    small.home.public_key.write_text("another user's")
    small.write_week(SECOND, labels_wrong_by_one)
    assert not run_data(SECOND).success
    assert Quarantine(small.home).entries("small") == []
    assert Quarantine(small.home).state("small").weeks == (str(SECOND),)
