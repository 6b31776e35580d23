"""Weekly cycle: one job over all assets and checks, and the schedule that starts it every Monday.

Add here when a cycle runs; what it makes is in `assets/`, what must be true in `checks/`.
"""

from collections.abc import Iterator
from datetime import timedelta

import dagster as dg

from assets.partitions import classifiers
from orchestration.publication import PUBLICATION
from orchestration.run_results import record_failure, record_success
from ratchet.core.cycle import Cycle, monday_of
from ratchet.storage.home import Home

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
    """Request for each classifier of the home the week that has just ended."""
    week = monday_of(context.scheduled_execution_time.date()) - timedelta(days=7)
    names = home.classifiers()
    if not names:
        yield dg.SkipReason(f"no classifier in {home.root}")
        return
    context.instance.add_dynamic_partitions(classifiers.name or "", names)
    for name in names:
        cycle = Cycle(name, week)
        yield request_cycle(cycle, f"{cycle.key}:weekly")
