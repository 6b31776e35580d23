"""Shadow slot: the candidate of a cycle that passed goes there, beside live, where no user sees it.

The sensor asks receipts and ledger, never a run's events: a cycle that the command ran in its own process has no event
that Dagster's sensors see. Add here when it is asked; which candidate is next is `ratchet/rollout/entrance.py`, its
evidence is checked again in `ratchet/workflows/rollout/nominate.py`.
"""

import time
from datetime import UTC, datetime

import dagster as dg

from assets.metadata import without_markup
from orchestration.job_resources import HOME, configure
from orchestration.run_attempts import ATTEMPTS, CODE_TAG, GivenUp, code_version, find_failures
from orchestration.sensor_requests import ask_each
from ratchet.core.cycle import Cycle, parse_week
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.rollout.quarantine import Quarantine
from ratchet.workflows.rollout.advance import load_decision
from ratchet.workflows.rollout.describe_pause import explain_pause
from ratchet.workflows.rollout.reconcile import reconcile
from ratchet.workflows.rollout.shadow import enter_by_itself, find_entrant


class ShadowConfig(dg.Config):
    """Configuration of a shadow deployment: the cycle that passed, and its candidate."""

    classifier: str
    week: str
    adapter: str


@dg.op
def fill_slot(context: dg.OpExecutionContext, config: ShadowConfig, home: dg.ResourceParam[Home]) -> None:
    """Let the cycle's candidate shadow live, when its evidence still holds; doing it twice changes nothing."""
    reconcile(home, config.classifier)
    entry = enter_by_itself(home, config.classifier, config.week, config.adapter)
    if isinstance(entry, str):
        context.log.warning(entry)
        return
    why, partition = without_markup(entry.why), Cycle(config.classifier, parse_week(config.week)).key
    metadata = {"decision": why, "adapter": entry.adapter}
    context.log_event(dg.AssetObservation("adapter", description=why, partition=partition, metadata=metadata))


@dg.job(
    executor_def=dg.in_process_executor,
    resource_defs=HOME,
    tags={"dagster/max_retries": "2"},  # its sensor requests it once; a run that was killed starts again
    description="Puts a cycle's candidate into the shadow slot.",
)
def shadow_deployment() -> None:
    """Fill the slot; no answer to a user changes."""
    fill_slot()


@dg.sensor(
    job=shadow_deployment,
    minimum_interval_seconds=20,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Puts the candidate of a cycle that passed into the shadow slot, beside live; users see only live.",
)
def shadow_deployment_sensor(context: dg.SensorEvaluationContext, home: dg.ResourceParam[Home]) -> dg.SensorResult:
    """Request a run for each classifier whose next candidate may shadow; give the reason of every other.

    The run key names the ledger's head and the candidate, so doubled ticks, a lost cursor or a new daemon name one and
    the same run.
    """
    requests, skip = ask_each(home, home.classifiers(), lambda name: _ask(context.instance, name, home), "shadow")
    return dg.SensorResult(run_requests=requests, skip_reason=skip)


def _ask(instance: dg.DagsterInstance, name: str, home: Home) -> dg.RunRequest | str:
    entrance = find_entrant(home, name)
    if (cycle := entrance.cycle) is None:
        pause = explain_pause(home, name, str(load_decision(home, name).get("sentence") or ""), datetime.now(UTC))
        return f"{entrance.reason}. {pause}" if pause else entrance.reason
    key = f"{name}|{cycle.week}:{cycle.adapter[:16]}:shadow:{Ledger(home).head(name).sequence}"
    # no key runs twice: a candidate that a quarantined week kept out is asked for again once the quarantine changes
    if changes := len(Quarantine(home).entries(name)):
        key = f"{key}:quarantine-{changes}"
    tags = {"ratchet/classifier": name, "ratchet/decision": key}
    ended = (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
    failed = find_failures(instance, tags, time.time(), ended)
    if failed.recent >= ATTEMPTS:
        return GivenUp(f"{key} failed or was cancelled {failed.recent} times; its runs say why")
    config = ShadowConfig(classifier=name, week=cycle.week, adapter=cycle.adapter)
    tags[CODE_TAG] = code_version()
    attempt = failed.total + 1
    return dg.RunRequest(run_key=f"{key}:attempt-{attempt}", run_config=configure(home, fill_slot=config), tags=tags)
