"""Attempts of promotion runs: the number of the next one, or the reason for none now.

Dagster runs no key twice, so the attempt is a part of it. Add here when a decision is tried again; what it is about is
`promotion.py`.
"""

from itertools import takewhile

import dagster as dg

from orchestration.run_attempts import ATTEMPTS, GivenUp, find_failures, is_recent
from ratchet.rollout.decision import STAY
from ratchet.workflows.rollout.followers import WITHDRAWALS

DECISION_TAG = "ratchet/decision"
"""Tag of the runs of one decision."""
_RETRY_S = 600.0
"""Pause of a rollback that has failed so often: it is never given up, since users get the worse answers meanwhile."""


def next_attempt(instance: dg.DagsterInstance, key: str, action: str, now_s: float) -> int | str:
    """Return the number of the next run that decides by `key`, or why there is none now.

    A run weighs again, and may find that nothing moves any more, or be cancelled. No key runs twice, so each run that
    ended without the move gives the next one another: the evidence may ask for the same move once more.
    """
    failed = find_failures(instance, {DECISION_TAG: key}, now_s)
    if failed.recent >= ATTEMPTS:
        message = f"{key} failed {failed.recent} times; its runs say why"
        if action not in WITHDRAWALS:
            return GivenUp(message)
        if abs(now_s - max(record.end_time or 0.0 for record in failed.records)) < _RETRY_S:
            return f"{message}. It is tried again every {_RETRY_S / 60:.0f} minutes"
    if action == STAY:
        return 1 + failed.total
    runs = instance.get_runs(dg.RunsFilter(tags={DECISION_TAG: key}))
    return 1 + sum(run.is_finished for run in runs)


def next_rebuild(instance: dg.DagsterInstance, name: str, key: str, now_s: float) -> int | str:
    """Return the number of the next run that rebuilds the warehouse of `name`, or why there is none now."""
    records = instance.get_run_records(dg.RunsFilter(tags={DECISION_TAG: key}))
    if any(not record.dagster_run.is_finished for record in records):
        return "its warehouse is being rebuilt; a rollback does not wait for it"
    # the newest is the first
    since = takewhile(lambda record: record.dagster_run.status is not dg.DagsterRunStatus.SUCCESS, records)
    failed = [record for record in since if record.dagster_run.status is dg.DagsterRunStatus.FAILURE]
    if (recent := sum(is_recent(record, now_s) for record in failed)) >= ATTEMPTS:
        return GivenUp(f"rebuilding its warehouse failed {recent} times; run 'ratchet ingest {name}' to see why")
    return len(records) + 1
