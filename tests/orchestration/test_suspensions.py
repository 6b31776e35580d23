"""A suspended person's labels are no part of a cycle, that of the same week run again included: real steps."""

from dataclasses import replace
from datetime import date
from typing import Any

import dagster as dg
import pytest

from orchestration.definitions import build_definitions
from ratchet.core.cycle import Cycle
from ratchet.ingest.rebuild import open_warehouse
from ratchet.storage.receipts import Receipts
from ratchet.storage.review.suspensions import Suspensions
from ratchet.testing.homes import SmallClassifier
from ratchet.workflows.plan_cycle import plan_cycle

pytestmark = pytest.mark.slow  # real steps of a cycle

WEEK, NEXT = date(2026, 1, 5), date(2026, 1, 12)
ALONE = 9
"""Requests that only ann_c labels."""


def with_a_third(logs: list[dict[str, Any]], corrections: list[dict[str, Any]]) -> None:
    """The first requests of the week are labelled by ann_c alone."""
    mine = corrections[: 2 * ALONE : 2]
    corrections[: 2 * ALONE] = [{**row, "annotator": "ann_c"} for row in mine]


def by_ann_c_alone(logs: list[dict[str, Any]], corrections: list[dict[str, Any]]) -> None:
    """A week in which nobody else labelled."""
    corrections[:] = [{**row, "annotator": "ann_c"} for row in corrections[::2]]


def run_data(small: SmallClassifier, instance: dg.DagsterInstance, week: date) -> bool:
    """Run a cycle up to its training set."""
    instance.add_dynamic_partitions("classifiers", [small.name])
    job = build_definitions(str(small.home.root)).resolve_job_def("weekly_cycle")
    return job.execute_in_process(
        instance=instance,
        partition_key=dg.MultiPartitionKey({"classifier": small.name, "week": str(week)}),
        asset_selection=[dg.AssetKey(name) for name in ("production_logs", "corrected_labels", "training_set")],
        raise_on_error=False,
    ).success


def digests(small: SmallClassifier, week: date) -> tuple[str, str]:
    """The digests of the votes and of the training set that later stages and receipts are bound to."""
    made = Receipts(small.home).made(Cycle("small", week), "labels", "training_set")
    return made["labels"], made["training_set"]


def test_a_cycle_run_again_learns_nothing_from_a_suspended_person(
    small: SmallClassifier, instance: dg.DagsterInstance
) -> None:
    """Votes, labels and their digests change; a week that lost its last vote is empty; the plan says the same."""
    small = replace(small, requests=45)
    small.write_week(WEEK, by_ann_c_alone)
    small.write_week(NEXT, with_a_third)
    assert run_data(small, instance, NEXT)  # it makes the labels of earlier weeks, too
    before, warehouse = digests(small, NEXT), open_warehouse(small.home, "small")
    assert len(warehouse.frame("SELECT * FROM labels WHERE week = ?", [WEEK])) == small.requests
    Suspensions(small.home, "small").suspend("ann_c", "guesses", "owner", {}, 0, [])
    planned = plan_cycle(small.home, "small", str(NEXT))
    assert run_data(small, instance, NEXT)
    assert all(one != other for one, other in zip(before, digests(small, NEXT), strict=True))
    votes = warehouse.frame("SELECT DISTINCT annotator FROM votes")
    assert sorted(votes["annotator"]) == ["ann_a", "ann_b"]
    assert len(warehouse.frame("SELECT * FROM labels WHERE week = ?", [WEEK])) == 0
    examples = warehouse.frame("SELECT request_id FROM examples WHERE week = ?", [NEXT])
    assert not [each for each in examples["request_id"] if each.startswith(str(WEEK)) or int(each[-4:]) < ALONE]
    assert sum(split["n"] for split in planned["splits"].values()) == len(examples)


def test_no_cycle_runs_on_suspensions_that_were_edited(small: SmallClassifier, instance: dg.DagsterInstance) -> None:
    """It ends before labels are made, and names the file."""
    small.write_week(WEEK)
    suspensions = Suspensions(small.home, "small")
    suspensions.suspend("ann_b", "guesses", "owner", {}, 0, [])
    path = suspensions.file.path
    path.write_text(path.read_text().replace("ann_b", "ann_a"))
    assert not run_data(small, instance, WEEK)
    assert "labels" not in Receipts(small.home).made(Cycle("small", WEEK), "labels")
