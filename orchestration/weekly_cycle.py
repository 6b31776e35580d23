"""Weekly cycle: one job over all assets and checks, and the schedule that starts it every Monday.

Add here when a cycle runs; what it makes is in `assets/`, what must be true in `checks/`.
"""

from collections.abc import Iterator
from datetime import timedelta

import dagster as dg

from assets.partitions import classifiers
from orchestration.publication import PUBLICATION
from orchestration.run_results import record_failure, record_success
from orchestration.sensor_requests import ask_each
from ratchet.core.cycle import Cycle, monday_of, skip_reason
from ratchet.core.errors import RatchetError
from ratchet.core.timeouts import SENSOR_LOCK_S
from ratchet.ingest.rebuild import open_built_warehouse
from ratchet.storage.home import Home
from ratchet.workflows.try_intake import try_intake

weekly_cycle = dg.define_asset_job(
    "weekly_cycle",
    selection=dg.AssetSelection.all() - PUBLICATION,
    executor_def=dg.in_process_executor,
    hooks={record_success, record_failure},
    # A run that was killed starts again as a whole: each step finds what it had made.
    tags={"dagster/max_retries": "2", "dagster/retry_strategy": "ALL_STEPS"},
    description="One week of one classifier: logs and corrections in; adapter, temperature and eval report out.",
)


def request_cycle(cycle: Cycle, run_key: str, **tags: str) -> dg.RunRequest:
    """Build the request for a cycle, in the one form that schedule and sensors use."""
    key = dg.MultiPartitionKey({"classifier": cycle.classifier, "week": str(cycle.week)})
    return dg.RunRequest(run_key=run_key, partition_key=key, tags={"ratchet/decision": run_key, **tags})


@dg.schedule(
    job=weekly_cycle,
    cron_schedule="0 6 * * 1",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every Monday at 06:00 UTC: one cycle for each classifier, over the week that has just ended.",
)
def weekly_cycle_schedule(
    context: dg.ScheduleEvaluationContext, home: dg.ResourceParam[Home]
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Request for each classifier of the home the week that has just ended, unless it had no traffic in it."""
    week = monday_of(context.scheduled_execution_time.date()) - timedelta(days=7)
    requests, skip = ask_each(home, home.classifiers(), lambda name: _decide(Cycle(name, week), home, context))
    names = [str(request.tags["ratchet/classifier"]) for request in requests]
    if names:
        context.instance.add_dynamic_partitions(classifiers.name or "", names)
    yield from requests
    if skip:
        yield skip


def _decide(cycle: Cycle, home: Home, context: dg.ScheduleEvaluationContext) -> dg.RunRequest | str:
    """Request the cycle, or give the reason why the week is skipped; where nothing is known the cycle finds it."""
    try:
        warehouse = open_built_warehouse(home, cycle.classifier, SENSOR_LOCK_S)
        remark = try_intake(home, cycle.classifier, warehouse)
        weeks = warehouse.weeks(cycle.classifier)
    except RatchetError:
        weeks, remark = {cycle.week: 0}, ""
    quiet = skip_reason(cycle, weeks, cycle.end.date()) if weeks else f"{cycle.classifier} has no production log yet."
    if quiet:
        reason = f"{quiet} {remark}".strip()
        context.log.info(reason)  # beside a request of another classifier Dagster shows no reason
        return reason
    return request_cycle(cycle, f"{cycle.key}:weekly", **{"ratchet/classifier": cycle.classifier})
