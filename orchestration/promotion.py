"""Promotion: a sensor that evaluates every rollout, and the job that applies the decision.

The sensor loads landed rows and finishes a promotion that was killed half way; every move is made by the run, which
evaluates again. Add here when evidence is evaluated; how often a run is tried is `promotion_attempts.py`, the decision
`ratchet/rollout/decision.py`, its application `ratchet/workflows/rollout/advance.py`.
"""

import time

import dagster as dg

from orchestration.decision_observation import observe_decision
from orchestration.job_resources import HOME, configure
from orchestration.promotion_attempts import DECISION_TAG, next_attempt, next_rebuild
from orchestration.run_attempts import CODE_TAG, code_version
from orchestration.sensor_requests import ask_each
from ratchet.rollout.decision import STAY, Decision
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger
from ratchet.workflows.overview.home_file import write_home_page
from ratchet.workflows.review.queue_evidence import queue_evidence
from ratchet.workflows.rollout.advance import apply_decision, load_decision, weigh
from ratchet.workflows.rollout.followers import WITHDRAWALS, wait_for_followers
from ratchet.workflows.rollout.reconcile import reconcile


class PromotionConfig(dg.Config):
    """Configuration of a promotion run: the classifier."""

    classifier: str


@dg.op
def weigh_and_move(context: dg.OpExecutionContext, config: PromotionConfig, home: dg.ResourceParam[Home]) -> None:
    """Evaluate the rollout now and apply the decision, which becomes an observation on the adapter."""
    weighed = weigh(home, config.classifier, may_rebuild=False)
    if weighed.without_labels and weighed.decision.action == STAY:
        weighed = weigh(home, config.classifier)  # waits for the warehouse, or rebuilds it, which may take minutes
    queue_evidence(home, config.classifier, weighed)
    entry = apply_decision(home, config.classifier, weighed)
    context.log.info(weighed.decision.sentence)
    context.log_event(observe_decision(config.classifier, weighed))
    write_home_page(home)
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
    requests, skip = ask_each(home, home.served(), lambda name: _ask(context.instance, name, home), "promotion")
    return dg.SensorResult(run_requests=requests, skip_reason=skip)


def _ask(instance: dg.DagsterInstance, name: str, home: Home) -> dg.RunRequest | str:
    """Request a run where something moves, or where the reason to hold differs from the last recorded one.

    A move whose flag was not written is finished first, also where nothing is compared any more.
    """
    reconcile(home, name)
    state = Ledger(home).state(name)
    if state.compared is None:
        return "nothing is compared with live"
    weighed = weigh(home, name, may_rebuild=False)
    queue_evidence(home, name, weighed)
    decision = weighed.decision
    if weighed.without_labels and decision.action == STAY:
        return _ask_rebuild(instance, name, home) if weighed.to_rebuild else decision.sentence
    if decision.action == STAY and load_decision(home, name).get("state") == decision.state:
        return decision.sentence
    key = f"{name}:{state.head.digest[:16]}:{_what(decision)}"
    attempt = next_attempt(instance, key, decision.action, time.time())
    if isinstance(attempt, str):
        return attempt
    return _request(home, name, key, f"{key}:attempt-{attempt}")


def _ask_rebuild(instance: dg.DagsterInstance, name: str, home: Home) -> dg.RunRequest | str:
    key = f"{name}:rebuild"
    attempt = next_rebuild(instance, name, key, time.time())
    return attempt if isinstance(attempt, str) else _request(home, name, key, f"{key}:{attempt}")


def _request(home: Home, name: str, decision: str, run_key: str) -> dg.RunRequest:
    config = configure(home, weigh_and_move=PromotionConfig(classifier=name))
    tags = {"ratchet/classifier": name, DECISION_TAG: decision, CODE_TAG: code_version()}
    return dg.RunRequest(run_key=run_key, run_config=config, tags=tags)


def _what(decision: Decision) -> str:
    return f"{decision.action}:{decision.state}" if decision.action == STAY else f"{decision.action}:{decision.percent}"
