"""Enough new corrections start exactly one cycle, whatever happens to ticks, cursors and daemons."""

from datetime import UTC, date, datetime

import dagster as dg
import pytest

from orchestration.definitions import defs
from orchestration.feedback import new_feedback_sensor
from ratchet.core.cycle import Cycle
from ratchet.ingest.rebuild import open_warehouse
from ratchet.review.item import QueuedRequest
from ratchet.review.reasons import DISAGREEMENT
from ratchet.storage.receipts import Receipts
from ratchet.storage.specs import Specs
from ratchet.testing.homes import SmallClassifier, keep_receipts
from ratchet.workflows.review.answer import land_corrections
from ratchet.workflows.review.early_cycle import weigh_disagreements
from ratchet.workflows.review.enqueue import enqueue
from ratchet.workflows.rollout.reconcile import record

WEEK = date(2026, 1, 5)
RUN_KEY = "dagster/run_key"


@pytest.fixture
def eager(small: SmallClassifier) -> SmallClassifier:
    """A classifier that starts a cycle after 150 new corrections; a week brings 180."""
    small.write(settings="[window]\nearly_after_corrections = 150\n")
    return small


def tick(small: SmallClassifier, instance: dg.DagsterInstance, cursor: str | None = None) -> list[dg.DagsterRun]:
    """One tick as the daemon does it: evaluate, then create a run for every run key that no run of the instance has
    yet."""
    home = small.home
    with dg.build_sensor_context(instance=instance, cursor=cursor) as context:
        result = new_feedback_sensor(context, home=home, specs=Specs(home), receipts=Receipts(home))
    assert isinstance(result, dg.SensorResult)
    created = []
    for request in result.run_requests or []:
        if instance.get_runs(dg.RunsFilter(tags={RUN_KEY: str(request.run_key)})):
            continue
        instance.add_dynamic_partitions("classifiers", [small.name])
        tags = {**request.tags, RUN_KEY: str(request.run_key), "dagster/partition": str(request.partition_key)}
        created.append(instance.create_run_for_job(defs.resolve_job_def("weekly_cycle"), tags=tags))
    return created


def test_too_few_corrections_start_nothing_and_say_how_many(
    eager: SmallClassifier, instance: dg.DagsterInstance
) -> None:
    """An empty landing folder is a skip with its count."""
    home = eager.home
    with dg.build_sensor_context(instance=instance) as context:
        result = new_feedback_sensor(context, home=home, specs=Specs(home), receipts=Receipts(home))
    assert isinstance(result, dg.SensorResult)
    assert "small: 0 new corrections since the last cycle, 150 start one early" in str(result.skip_reason)


def test_enough_corrections_start_the_newest_week(eager: SmallClassifier, instance: dg.DagsterInstance) -> None:
    """The request names the partition of the week that the corrections belong to."""
    eager.write_week(WEEK)
    (run,) = tick(eager, instance)
    assert run.tags["dagster/partition"] == Cycle(eager.name, WEEK).key


def test_doubled_ticks_lost_cursors_and_restarts_give_one_run(
    eager: SmallClassifier, instance: dg.DagsterInstance
) -> None:
    """The decision is made from stored state, so every tick names the same run; late corrections do not make a second
    one."""
    eager.write_week(WEEK)
    runs = tick(eager, instance)
    runs += tick(eager, instance)
    runs += tick(eager, instance, cursor="another life's cursor")
    eager.write_week(date(2026, 1, 12))
    # corrections of unknown requests
    eager.home.landing(eager.name, "production_logs").joinpath("2026-01-12.jsonl").unlink()
    runs += tick(eager, instance)
    assert len(runs) == 1


def test_a_cycle_that_saw_the_corrections_ends_the_decision(
    eager: SmallClassifier, instance: dg.DagsterInstance
) -> None:
    """Once a cycle has noted what it saw, only newer corrections count."""
    eager.write_week(WEEK)
    assert len(tick(eager, instance)) == 1
    Receipts(eager.home).note(Cycle(eager.name, WEEK), corrections_seen=180)
    assert tick(eager, instance) == []
    eager.write_week(date(2026, 1, 12))
    (run,) = tick(eager, instance)
    assert run.tags["dagster/partition"] == Cycle(eager.name, date(2026, 1, 12)).key


def test_reviewed_disagreements_start_the_newest_week_too(eager: SmallClassifier, instance: dg.DagsterInstance) -> None:
    """However few corrections came; ticks again give the same one run, and the screen of the sensor says the count."""
    eager.write(settings="[window]\nearly_after_corrections = 1000\n[review]\nearly_after_disagreements = 2\n")
    eager.write_week(WEEK)
    assert tick(eager, instance) == []
    now, ids = datetime.now(UTC), [f"{WEEK}-{n:04d}" for n in range(2)]
    items = [QueuedRequest(each, DISAGREEMENT, now, "a text") for each in ids]
    enqueue(eager.home, eager.name, items, writer="gateway")
    label = {"label": "amber", "annotator": "ann_c", "saw_prediction": False, "chosen": "value"}
    land_corrections(eager.home, eager.name, [{"request_id": each, "ts": now.isoformat(), **label} for each in ids])
    runs = tick(eager, instance) + tick(eager, instance)
    assert [run.tags["dagster/partition"] for run in runs] == [Cycle(eager.name, WEEK).key]


def test_reviewed_disagreements_start_nothing_while_a_candidate_is_compared(small: SmallClassifier) -> None:
    """Its rollout needs these labels; once it is out of the way they count."""
    small.write(settings="[review]\nearly_after_disagreements = 1\n")
    spec, now = Specs(small.home)[small.name], datetime.now(UTC)
    enqueue(small.home, small.name, [QueuedRequest("r", DISAGREEMENT, now, "a text")], writer="gateway")
    label = {"request_id": "r", "ts": now.isoformat(), "label": "amber", "annotator": "ann", "saw_prediction": False}
    land_corrections(small.home, small.name, [label])
    fields = {"ts": "2026-01-05T10:00:00+00:00", "actor": "test", "why": "test", "week": str(WEEK)}
    for action, adapter in (("promote", "a" * 64), ("shadow", "b" * 64)):
        receipts = keep_receipts(small.home, small.name, str(WEEK), adapter)
        record(small.home, small.name, action=action, adapter=adapter, receipts=receipts, **fields)
    waiting = weigh_disagreements(small.home, small.name, spec)
    assert (waiting.start, "A candidate is compared" in waiting.sentence) == (False, True)
    record(small.home, small.name, action="reject", adapter="a" * 64, previous_adapter="b" * 64, receipts={}, **fields)
    assert weigh_disagreements(small.home, small.name, spec).start


def test_a_failed_run_is_tried_again_three_times_and_no_more(
    eager: SmallClassifier, instance: dg.DagsterInstance
) -> None:
    """A run key is never run twice, so each attempt has its own; after three the sensor says what to do."""
    eager.write_week(WEEK)
    for _ in range(3):
        (run,) = tick(eager, instance)
        instance.report_run_failed(run)
    assert tick(eager, instance) == []


def test_a_held_warehouse_is_a_skip_not_a_crash(
    eager: SmallClassifier, instance: dg.DagsterInstance, held_by_another_process: None
) -> None:
    """While a cycle writes, the sensor waits for its next tick."""
    assert tick(eager, instance) == []


@pytest.fixture
def held_by_another_process(eager: SmallClassifier) -> object:
    """A real second process that keeps the warehouse open."""
    import subprocess
    import sys

    with open_warehouse(eager.home, "eager").connect():
        pass
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, str(eager.home.warehouse("eager"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield
        process.kill()
