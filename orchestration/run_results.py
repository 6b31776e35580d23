"""Hooks that keep `run_results.json` true while a cycle runs: after each step, done or failed, before the run ends.

Add here what is read from Dagster's events; the list of stages is `ratchet/gates/registry.py`, how the file is
written is `ratchet/storage/reports.py`.
"""

import dagster as dg

from assets.metadata import without_week
from ratchet.core.cycle import Cycle
from ratchet.gates.registry import STAGES
from ratchet.storage.reports import Reports, StageResult
from ratchet.workflows.overview.home_file import write_home_page


@dg.success_hook(required_resource_keys={"reports"})
def record_success(context: dg.HookContext) -> None:
    """Record a finished step."""
    _record(context)


@dg.failure_hook(required_resource_keys={"reports"})
def record_failure(context: dg.HookContext) -> None:
    """Record a failed step with its reason; the run of a blocked week has tags that tell it from a crash."""
    _record(context)
    blocked = [each for each in collect_stages(context.instance, context.run_id) if each.status == "blocked"]
    if blocked:
        gate = blocked[0].unique_id
        context.instance.add_run_tags(context.run_id, {"ratchet/verdict": "blocked", "ratchet/gate": gate})


def _record(context: dg.HookContext) -> None:
    run = context.instance.get_run_by_id(context.run_id)
    if run is None or "dagster/partition" not in run.tags:
        return
    reports: Reports = context.resources.reports
    stages = collect_stages(context.instance, context.run_id)
    if any(stage.status != "skipped" for stage in stages):  # a week without traffic leaves nothing, as by the command
        reports.record(Cycle.from_key(run.tags["dagster/partition"]), stages, context.run_id)
        if stages[-1].status != "skipped" or any(stage.status in {"blocked", "error"} for stage in stages):
            write_home_page(reports.home)  # the run ends with this step


def collect_stages(instance: dg.DagsterInstance, run_id: str) -> list[StageResult]:
    """Results of each stage of a run so far, from its events; stages that it did not reach are reported as skipped."""
    steps = {stage_of(s.step_key): s for s in instance.get_run_step_stats(run_id)}
    failures = {
        stage_of(entry.step_key or ""): entry.dagster_event.step_failure_data.error
        for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
        if entry.dagster_event
    }
    verdicts = {
        result.check_name: result
        for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
        if entry.dagster_event and (result := entry.dagster_event.asset_check_evaluation_data)
    }
    quiet = {
        stage_of(entry.step_key or ""): str(entry.asset_observation.metadata["skipped"].value)
        for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_OBSERVATION)
        if entry.asset_observation and "skipped" in entry.asset_observation.metadata
    }
    results = []
    for stage in STAGES:
        step, verdict = steps.get(stage), verdicts.get(stage)
        seconds = step.end_time - step.start_time if step and step.end_time and step.start_time else 0.0
        if step is None or step.status is None:
            status, message = "skipped", "not reached"
        elif stage in quiet or step.status.name == "SKIPPED":
            status, message = "skipped", quiet.get(stage, "the week had no traffic")
        elif verdict is not None:
            blocked = not verdict.passed and verdict.severity is dg.AssetCheckSeverity.ERROR
            status, message = "blocked" if blocked else "pass", without_week(verdict.description or "")
        elif stage in failures:
            error = failures[stage]
            cause = error.cause if error and error.cause else error
            status, message = "error", str(cause.message).strip() if cause else "failed"
        else:
            status, message = "pass", ""
        results.append(StageResult(stage, status, round(seconds, 3), message))
    return results


def stage_of(step_key: str) -> str:
    """Stage that a step belongs to: a check's step is named after its asset and itself."""
    return next((stage for stage in reversed(STAGES) if step_key == stage or step_key.endswith(f"_{stage}")), step_key)
