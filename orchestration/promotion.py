"""Promotion: a sensor that evaluates every rollout, and the job that applies the decision.

The sensor loads landed rows and finishes a promotion that was killed half way; every move is made by the run, which
evaluates again. Add here when evidence is evaluated; the decision is `ratchet/rollout/decision.py`, its application
`ratchet/workflows/rollout/advance.py`.
"""

import time
from itertools import takewhile

import dagster as dg

from assets.metadata import as_table, without_markup
from orchestration.job_resources import HOME, configure
from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.errors import RatchetError
from ratchet.rollout.decision import STAY, Decision
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger
from ratchet.workflows.rollout.advance import WeighedRollout, apply_decision, load_decision, weigh
from ratchet.workflows.rollout.followers import WITHDRAWALS, wait_for_followers
from ratchet.workflows.rollout.reconcile import reconcile

_ATTEMPTS = 3
_RETRY_S = 600.0
"""Pause of a rollback that has failed so often: it is never given up, since users get the worse answers meanwhile."""


class PromotionConfig(dg.Config):
    """Configuration of a promotion run: the classifier."""

    classifier: str


@dg.op
def weigh_and_move(context: dg.OpExecutionContext, config: PromotionConfig, home: dg.ResourceParam[Home]) -> None:
    """Evaluate the rollout now and apply the decision, which becomes an observation on the adapter."""
    weighed = weigh(home, config.classifier, may_rebuild=False)
    if weighed.without_labels and weighed.decision.action == STAY:
        weighed = weigh(
            home, config.classifier
        )  # waits for the warehouse, or rebuilds the warehouse, which may take minutes
    entry = apply_decision(home, config.classifier, weighed)
    context.log.info(weighed.decision.sentence)
    context.log_event(observe(config.classifier, weighed))
    if entry is not None and entry.action in WITHDRAWALS:
        found = wait_for_followers(home, config.classifier, entry)
        context.log.info(found.sentence)
        if found.late:  # entry and flag stand; the run fails so that somebody looks at that gateway
            raise dg.Failure(found.sentence, allow_retries=False)


@dg.job(
    executor_def=dg.in_process_executor,
    resource_defs=HOME,
    description="Moves one rollout up a step, holds it or rolls it back.",
)
def promotion() -> None:
    """Write the ledger entry first, then the flag."""
    weigh_and_move()


@dg.sensor(
    job=promotion,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Every minute: asks for a run when the evidence moves a rollout up a step, holds it or rolls it back.",
)
def promotion_sensor(context: dg.SensorEvaluationContext, home: dg.ResourceParam[Home]) -> dg.SensorResult:
    """Request a run for each rollout whose evidence moves it; give the reason of every other to hold.

    The run key names the ledger's head and the move, so doubled ticks, a lost cursor or a new daemon name one and the
    same run.
    """
    requests: list[dg.RunRequest] = []
    reasons: list[str] = []
    for name in home.served():
        try:
            result = _ask(context.instance, name, home)
        except Exception as error:  # noqa: BLE001 - a fault of one classifier must not stop the others' rollbacks
            result = str(error) if isinstance(error, RatchetError) else f"{type(error).__name__}: {error}"
        if isinstance(result, dg.RunRequest):
            requests.append(result)
        else:
            reasons.append(f"{name}: {result}")
    if not requests:
        return dg.SensorResult(
            skip_reason=dg.SkipReason(without_markup("; ".join(reasons)) or f"no classifier in {home.root}")
        )
    return dg.SensorResult(run_requests=requests)


def _ask(instance: dg.DagsterInstance, name: str, home: Home) -> dg.RunRequest | str:
    """Request a run where something moves, or where the reason to hold differs from the last recorded one.

    A move whose flag was not written is finished first, also where nothing is compared any more.
    """
    reconcile(home, name)
    state = Ledger(home).state(name)
    if state.compared is None:
        return "nothing is compared with live"
    weighed = weigh(home, name, may_rebuild=False)
    decision = weighed.decision
    if weighed.without_labels and decision.action == STAY:
        return _ask_rebuild(instance, name, home) if weighed.to_rebuild else decision.sentence
    if decision.action == STAY and load_decision(home, name).get("state") == decision.state:
        return decision.sentence
    key = f"{name}:{state.head.digest[:16]}:{_what(decision)}"
    attempt = next_attempt(instance, key, decision.action, time.time())
    if isinstance(attempt, str):
        return attempt
    return dg.RunRequest(
        run_key=f"{key}:attempt-{attempt}",
        run_config=configure(home, weigh_and_move=PromotionConfig(classifier=name)),
        tags={"ratchet/classifier": name, "ratchet/decision": key},
    )


def next_attempt(instance: dg.DagsterInstance, key: str, action: str, now_s: float) -> int | str:
    """Return the number of the next run that decides by `key`, or why there is none now.

    A run weighs again, and may find that nothing moves any more, or be cancelled. No key runs twice, so each run that
    ended without the move gives the next one another: the evidence may ask for the same move once more.
    """
    records = instance.get_run_records(dg.RunsFilter(tags={"ratchet/decision": key}))
    ended = [record for record in records if record.dagster_run.is_finished]
    failed = [record for record in ended if record.dagster_run.status is dg.DagsterRunStatus.FAILURE]
    if len(failed) >= _ATTEMPTS:
        message = f"{key} failed {len(failed)} times; its runs say why"
        if action not in WITHDRAWALS:
            return message
        if abs(now_s - max(record.end_time or 0.0 for record in failed)) < _RETRY_S:
            return f"{message}. It is tried again every {_RETRY_S / 60:.0f} minutes"
    return 1 + len(failed if action == STAY else ended)


def _ask_rebuild(instance: dg.DagsterInstance, name: str, home: Home) -> dg.RunRequest | str:
    """Request a run that rebuilds the warehouse and decides then, unless one is under way or has failed too often."""
    tag = {"ratchet/decision": f"{name}:rebuild"}
    runs = instance.get_runs(dg.RunsFilter(tags=tag))
    if any(not run.is_finished for run in runs):
        return "its warehouse is being rebuilt; a rollback does not wait for it"
    since = takewhile(lambda run: run.status is not dg.DagsterRunStatus.SUCCESS, runs)  # the newest is the first
    failed = [run for run in since if run.status is dg.DagsterRunStatus.FAILURE]
    if len(failed) >= _ATTEMPTS:
        return f"rebuilding its warehouse failed {len(failed)} times; run 'ratchet ingest {name}' to see why"
    return dg.RunRequest(
        run_key=f"{name}:rebuild:{len(runs) + 1}",
        run_config=configure(home, weigh_and_move=PromotionConfig(classifier=name)),
        tags={"ratchet/classifier": name, **tag},
    )


def _what(decision: Decision) -> str:
    return f"{decision.action}:{decision.state}" if decision.action == STAY else f"{decision.action}:{decision.percent}"


def observe(classifier: str, weighed: WeighedRollout) -> dg.AssetObservation:
    """Build the observation on the adapter that shows a decision, with its guardrails as a table."""
    decision, entered = weighed.decision, weighed.state.entered
    rows = [
        {
            "guardrail": each.name,
            "status": each.status,
            "value": each.value,
            "low": each.low,
            "high": each.high,
            "limit": each.limit,
        }
        for each in decision.guardrails
    ]
    counts = [{"what": key, "value": str(value)} for key, value in decision.figures.get("whole", {}).items()]
    return dg.AssetObservation(
        "adapter",
        description=without_markup(decision.sentence),
        partition=Cycle(classifier, parse_week(entered.week)).key if entered and entered.week else None,
        metadata={
            "decision": without_markup(decision.sentence),
            "guardrails": as_table(rows),
            "evidence": as_table(counts),
        },
    )
