"""Guardrails: figures of a rollout, each with its interval and its limit. Every bound holds at any number of looks.

Add a guardrail here; which of them stops, holds or rolls back is decided in `decision.py`. Those of time are in
`latency.py`, those within a label in `labels.py`.
"""

from typing import Literal

from ratchet.config.policy import PromotionPolicy
from ratchet.metrics.intervals import paired_difference_interval, proportion_interval
from ratchet.metrics.share_evidence import any_time_share_interval, evidence_above
from ratchet.rollout.evidence.counts import Evidence
from ratchet.rollout.guardrails.cost import measure_cost
from ratchet.rollout.guardrails.guardrail import Guardrail, step_threshold
from ratchet.rollout.guardrails.labels import measure_labels
from ratchet.rollout.guardrails.latency import measure_latency
from ratchet.rollout.proof import prove, write_points


def measure_guardrails(policy: PromotionPolicy, whole: Evidence, step: Evidence) -> tuple[Guardrail, ...]:
    """Measure accuracy (overall, within each label) and disagreement over `whole`, errors and latency over `step`."""
    accuracy = (_accuracy(policy, whole, step), *measure_labels(policy, whole), *measure_cost(policy, whole))
    return (*accuracy, _disagreement(policy, whole), _errors(policy, step), *measure_latency(policy, step))


def _accuracy(policy: PromotionPolicy, whole: Evidence, step: Evidence) -> Guardrail:
    """Measure the difference of accuracy with the interval that decides: `ok` only once "not worse" is shown.

    "Worse" is asked of the whole comparison, and of the newest step alone, each at half of `alpha_back`.
    """
    proof, points = prove(policy, whole, step), write_points(policy.margin)
    if proof.estimate is None:
        return _former_accuracy(policy, whole)
    status: Literal["ok", "open", "broken"] = (
        "broken" if proof.shows_worse else "ok" if proof.shows_not_worse else "open"
    )
    sentence = {
        "broken": f"more than {points} worse, shown",
        "ok": f"not worse than {points}, shown",
        "open": f"not worse than {points} is not shown yet",
    }[status]
    ends, usual = proof.deciding, proof.usual
    return Guardrail("accuracy", status, sentence, proof.estimate, *ends, -policy.margin, 1 - policy.alpha, *usual)


def _former_accuracy(policy: PromotionPolicy, whole: Evidence) -> Guardrail:
    """Measure accuracy on all labelled requests, for evidence that counts no stream: it is shown, and decides nothing.

    Its interval holds at one look, not at all of them.
    """
    if whole.labelled == 0:
        return Guardrail("accuracy", "unknown", "no labelled requests", limit=-policy.margin)
    low, high = paired_difference_interval(whole.only_incumbent, whole.only_challenger, whole.labelled)
    value = (whole.only_challenger - whole.only_incumbent) / whole.labelled
    sentence = f"{whole.labelled} labelled requests of no evidence stream"
    return Guardrail("accuracy", "open", sentence, value, low, high, -policy.margin)


def _disagreement(policy: PromotionPolicy, whole: Evidence) -> Guardrail:
    answered = whole.requests - whole.errors
    if answered <= 0:
        return Guardrail("disagreement", "unknown", "no compared answers", limit=policy.max_disagreement)
    share = whole.disagreements / answered
    low, high = proportion_interval(whole.disagreements, answered)
    sentence = f"labels differ on {100 * share:.1f} % of requests, limit {100 * policy.max_disagreement:g} %"
    status: Literal["ok", "high"] = "high" if share > policy.max_disagreement else "ok"
    return Guardrail("disagreement", status, sentence, share, low, high, policy.max_disagreement)


def _errors(policy: PromotionPolicy, step: Evidence) -> Guardrail:
    """Measure request errors by betting against `max_error_share`, so that the first requests decide nothing."""
    limit = policy.max_error_share
    if step.requests == 0:
        return Guardrail("errors", "unknown", "no requests since the last move", limit=limit)
    low, high = any_time_share_interval(step.errors, step.requests)
    shown = evidence_above(step.errors, step.requests, limit) >= step_threshold(policy)
    sentence = f"{step.errors} of {step.requests} requests failed, limit {100 * limit:g} %"
    share = step.errors / step.requests
    return Guardrail("errors", "broken" if shown else "ok", sentence, share, low, high, limit)
