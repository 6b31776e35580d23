"""Sensor for new corrections and reviewed disagreements: enough of them start a cycle before its Monday.

Add here what else may start a cycle early; the counts that are enough are settings of `classifier.toml`.
"""

import time

import dagster as dg

from assets.partitions import classifiers
from orchestration.run_attempts import ATTEMPTS, CODE_TAG, GivenUp, code_version, find_failures
from orchestration.sensor_requests import ask_each
from orchestration.weekly_cycle import request_cycle, weekly_cycle
from ratchet.core.cycle import Cycle
from ratchet.core.timeouts import SENSOR_LOCK_S
from ratchet.ingest.rebuild import open_built_warehouse
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.storage.specs import Specs
from ratchet.workflows.review.early_cycle import weigh_disagreements
from ratchet.workflows.try_intake import try_intake


@dg.sensor(
    job=weekly_cycle,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts a cycle early once a classifier has enough new corrections (window.early_after_corrections), or"
    " enough reviewed disagreements while no candidate is compared (review.early_after_disagreements).",
)
def new_feedback_sensor(
    context: dg.SensorEvaluationContext,
    home: dg.ResourceParam[Home],
    specs: dg.ResourceParam[Specs],
    receipts: dg.ResourceParam[Receipts],
) -> dg.SensorResult:
    """Request a cycle early when a classifier got enough new corrections since its last one.

    The decision id, which is the run key, is made from what the last cycle had seen: doubled ticks, a lost cursor or a
    new daemon name the same decision and so the same single run. Only a run that failed earns a new attempt.
    """
    requests, skip = ask_each(
        home, home.classifiers(), lambda name: _decide(context.instance, name, home, specs, receipts), "early_cycle"
    )
    names = [request.tags["ratchet/classifier"] for request in requests]
    known = [classifiers.build_add_request(names)] if names else []
    return dg.SensorResult(run_requests=requests, skip_reason=skip, dynamic_partitions_requests=known)


def _decide(
    instance: dg.DagsterInstance, name: str, home: Home, specs: Specs, receipts: Receipts
) -> dg.RunRequest | str:
    """Request the newest week of classifier `name`, or give the reason why not."""
    spec, warehouse = specs[name], open_built_warehouse(home, name, SENSOR_LOCK_S)
    enough = spec.window.early_after_corrections
    if not enough:  # no cycle starts early then, for whatever reason
        return "window.early_after_corrections is 0"
    remark = try_intake(home, name, warehouse)
    weeks, total = warehouse.weeks(name), warehouse.count_corrections(name)
    seen = receipts.corrections_seen(name)
    if not weeks or total - seen < enough:
        counted = f"{total - seen} new corrections since the last cycle, {enough} start one early"
        reviewed = weigh_disagreements(home, name, spec)
        if not weeks or not reviewed.start:
            return " ".join(filter(None, [f"{counted}.", reviewed.sentence, remark]))
    cycle = Cycle(name, max(weeks))
    decision = f"{cycle.key}:early:after-{seen}"
    failed = find_failures(instance, {"ratchet/early": decision}, time.time())
    if failed.recent >= ATTEMPTS:
        why = f"run 'ratchet cycle {name} --week {cycle.week}' to see why"
        return GivenUp(f"{decision} failed {failed.recent} times; {why}")
    # Attempts are counted above, so Dagster must not add retries of its own.
    tags = {"ratchet/early": decision, "ratchet/classifier": name, "dagster/max_retries": "0", CODE_TAG: code_version()}
    return request_cycle(cycle, f"{decision}:attempt-{failed.total + 1}", **tags)
