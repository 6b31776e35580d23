"""Shadow slot: a cycle that succeeded as a whole puts its candidate there, beside live, where no user sees it.

It hangs on the run's success: an asset sensor would fire before the checks have finished. Add here when a candidate may
shadow; its receipts are checked again in `ratchet/workflows/rollout/nominate.py`.
"""

import dagster as dg

from assets.metadata import without_markup
from orchestration.job_resources import HOME, configure
from orchestration.weekly_cycle import weekly_cycle
from ratchet.core.cycle import Cycle
from ratchet.core.errors import BlockedError
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.storage.rollout.ledger import Ledger
from ratchet.workflows.rollout.nominate import nominate, shadow


class ShadowConfig(dg.Config):
    """Configuration of a shadow deployment: the cycle that succeeded."""

    classifier: str
    week: str


@dg.op
def fill_slot(context: dg.OpExecutionContext, config: ShadowConfig, home: dg.ResourceParam[Home]) -> None:
    """Let the cycle's candidate shadow live, when its evidence still holds; doing it twice changes nothing."""
    cycle = Cycle.from_key(f"{config.classifier}|{config.week}")
    adapter, state = Receipts(home).noted(cycle)["adapter"], Ledger(home).state(cycle.classifier)
    if adapter in {state.live, state.challenger}:
        context.log.info(f"{adapter[:12]} answers or shadows already.")
        return
    try:
        entry = shadow(home, nominate(home, cycle.classifier, adapter))
    except BlockedError as error:
        context.log.warning(f"{adapter[:12]} does not shadow: {error.message}")
        return
    context.log_event(
        dg.AssetObservation(
            "adapter",
            description=without_markup(entry.why),
            partition=cycle.key,
            metadata={"decision": without_markup(entry.why), "adapter": adapter},
        )
    )


@dg.job(
    executor_def=dg.in_process_executor,
    resource_defs=HOME,
    tags={"dagster/max_retries": "2"},  # its sensor requests it once; a run that was killed starts again
    description="Puts a cycle's candidate into the shadow slot.",
)
def shadow_deployment() -> None:
    """Fill the slot; no answer to a user changes."""
    fill_slot()


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    monitored_jobs=[weekly_cycle],
    request_job=shadow_deployment,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Puts the candidate of a cycle that passed into the shadow slot, beside live; users see only live.",
)
def shadow_deployment_sensor(
    context: dg.RunStatusSensorContext, home: dg.ResourceParam[Home]
) -> dg.RunRequest | dg.SkipReason:
    """Request the shadow slot once a cycle has succeeded, checks and all; the first adapter is promoted by hand."""
    cycle = Cycle.from_key(context.dagster_run.tags["dagster/partition"])
    adapter = Receipts(home).noted(cycle).get("adapter")
    if adapter is None or Ledger(home).live(cycle.classifier) is None:
        hint = f"promote the first by hand: ratchet promote {cycle.classifier} --why TEXT"
        return dg.SkipReason(f"{cycle.classifier} has no live adapter to shadow; {hint}")
    return dg.RunRequest(
        run_key=f"{cycle.key}:{adapter[:16]}:shadow",
        run_config=configure(home, fill_slot=ShadowConfig(classifier=cycle.classifier, week=str(cycle.week))),
        tags={"ratchet/classifier": cycle.classifier, "ratchet/decision": f"{cycle.key}:{adapter[:16]}:shadow"},
    )
