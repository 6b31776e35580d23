"""Run launcher that notices runs whose process is gone: they are marked failed, and the queue goes on.

Dagster's default launcher cannot tell, so after a crash or a reboot its runs would stay `STARTED` for ever, and their
places in the queue would keep every later cycle waiting. Add here how the health of a run is seen; runs hold their
lease by `resources/run_locks.py`, the settings are in `instance.py`.
"""

import time

import dagster as dg
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus  # Dagster has no public name for them

from ratchet.core.timeouts import RUN_LEASE_S
from resources.run_locks import leases_of

_DIED = "Its process ended without a word: killed, out of memory, or a reboot."


class LeasedRunLauncher(dg.DefaultRunLauncher):
    """Default launcher that can also tell the daemon's run monitoring which runs have no process any more."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        """True: health is read from the leases."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Return `RUNNING` while the run's lease is held, `FAILED` once its holder ended without giving it back."""
        if has_process(self._instance, run.run_id):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        leases_of(self._instance).forget(run.run_id)
        return CheckRunHealthResult(WorkerStatus.FAILED, _DIED)


def has_process(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Return True where a `STARTED` run has a process, or is so young that it may be about to take its lease."""
    state, record = leases_of(instance).state(run_id), instance.get_run_record_by_id(run_id)
    young = record is not None and time.time() - record.update_timestamp.timestamp() < RUN_LEASE_S
    return state == "held" or (state == "none" and young)


def release_dead_runs(instance: dg.DagsterInstance) -> None:
    """Mark runs failed whose process is gone.

    The daemon does so by itself; a command must not wait for one that is perhaps not there.
    """
    for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING])):
        if not has_process(instance, run.run_id):
            leases_of(instance).forget(run.run_id)
            instance.report_run_failed(run, _DIED)
