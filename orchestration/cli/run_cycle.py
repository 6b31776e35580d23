"""Run of one cycle by the job of the schedule, on the instance that the UI shows, and its outcome.

Add here what is read from a run; the schedule is `orchestration/weekly_cycle.py`.
"""

import uuid
from dataclasses import dataclass
from typing import Any

import dagster as dg

from assets.partitions import classifiers
from orchestration.cli.progress import StageProgress
from orchestration.cli.run_listener import RunListener
from orchestration.definitions import build_definitions
from orchestration.instance import open_instance
from orchestration.run_launcher import release_dead_runs
from orchestration.run_results import collect_stages, stage_of
from ratchet.core.cycle import Cycle
from ratchet.core.errors import BlockedError, RatchetError
from ratchet.core.system_errors import explain_fault, read_fault
from ratchet.gates.quarantine import HOLDING_GATES
from ratchet.storage.home import Home
from ratchet.storage.reports import StageResult
from resources.run_locks import CYCLE_TAG

_KINDS = dg.DagsterEventType


@dataclass(frozen=True)
class CycleOutcome:
    """Outcome of a run: its stages and, when it did not succeed, its error."""

    run_id: str
    stages: list[StageResult]
    error: RatchetError | None


def run_cycle(cycle: Cycle, home: Home, progress: StageProgress) -> CycleOutcome:
    """Run all assets and checks of `cycle` in this process; a failure is returned, an interruption raised."""
    job = build_definitions(str(home.root), cycle.week).resolve_job_def("weekly_cycle")
    with open_instance(home.dagster) as instance:
        # A run whose process was killed would stay `STARTED` for ever where no daemon looks at it.
        release_dead_runs(instance)
        instance.add_dynamic_partitions(classifiers.name or "", [cycle.classifier])
        run_id = str(uuid.uuid4())
        with home.log(cycle).open("a", encoding="utf-8") as journal:
            instance.add_event_listener(run_id, RunListener(progress, journal))
            job.execute_in_process(
                run_id=run_id,
                instance=instance,
                partition_key=dg.MultiPartitionKey({"classifier": cycle.classifier, "week": str(cycle.week)}),
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
                tags={
                    CYCLE_TAG: cycle.classifier,
                    "ratchet/classifier": cycle.classifier,
                    "ratchet/decision": f"{cycle.key}:by-hand",
                },
                raise_on_error=False,
            )
        stages = collect_stages(instance, run_id)
        return CycleOutcome(run_id, stages, find_error(instance, run_id, stages, home))


def _quarantine_hint(stages: list[StageResult]) -> str:
    """Return how a blocked week is used again, where a gate of its rows or labels blocked it; otherwise nothing."""
    if not {stage.unique_id for stage in stages if stage.status == "blocked"} & set(HOLDING_GATES):
        return ""
    return (
        "The week is quarantined. The requests behind it wait in the review queue (ratchet review NAME): let them be"
        " decided, or correct its rows, and run it again. If its rows are right: ratchet unquarantine NAME --week W"
        " --why TEXT."
    )


def find_error(instance: dg.DagsterInstance, run_id: str, stages: list[StageResult], home: Home) -> RatchetError | None:
    """Return the error of a run for its user, from its step failures; None when the run succeeded.

    Dagster swallows an interruption (Ctrl-C, TERM) and calls the run failed: here it is raised again.
    """
    run = instance.get_run_by_id(run_id)
    if run is not None and run.is_success:
        return None
    for stage in stages:
        if stage.status == "blocked":
            return BlockedError(
                f"{stage.unique_id}: {stage.message}",
                _quarantine_hint(stages),
                code="blocked",
                details={"check": stage.unique_id},
            )
    for entry in instance.all_logs(run_id, of_type={_KINDS.STEP_FAILURE, _KINDS.RUN_FAILURE, _KINDS.RUN_CANCELED}):
        event = entry.dagster_event
        error = getattr(event.event_specific_data, "error", None) if event else None
        if error is not None:
            return _dig(error, stage_of(entry.step_key or "the run"), home)
    return RatchetError("the run ended without success and without an error.", "See its log.", code="run_failed")


def _dig(error: Any, stage: str, home: Home) -> RatchetError:
    """Return the innermost cause: one of our own errors as it was raised, any other with its stage."""
    chain = [error]
    while chain[-1].cause is not None:
        chain.append(chain[-1].cause)
    if chain[-1].cls_name in {"KeyboardInterrupt", "DagsterExecutionInterruptedError"}:
        raise KeyboardInterrupt
    for result in chain:
        if result.cls_name in {"RatchetError", "UsageError", "BlockedError"}:
            message, _, hint = str(result.message).strip().partition(": ")[2].partition(" hint: ")
            return RatchetError(message, hint, code="stage_failed", details={"stage": stage})
    if fault := next(filter(None, (read_fault(str(each.message)) for each in reversed(chain))), None):
        found = explain_fault(fault, home.root)
        return RatchetError(found.message, found.hint, code=found.code, details={**found.details, "stage": stage})
    reason = " ".join(str(chain[-1].message).split())[:300]
    return RatchetError(
        f"{stage} failed: {reason}", "The traceback is in the log; --debug shows it here.", code="stage_crashed",
        details={"stage": stage, "traceback": "".join(chain[-1].stack)},
    )  # fmt: skip
