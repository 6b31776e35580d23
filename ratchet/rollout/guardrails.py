"""Guardrails: figures of a rollout, each with its interval and its limit. Every bound holds at any number of looks.

Add a guardrail here; which of them stops, holds or rolls back is decided in `decision.py`. Those of time are in
`latency_guardrails.py`, those within a label in `label_guardrails.py`.
"""

from typing import Literal

from ratchet.config.policy import PromotionPolicy
from ratchet.metrics.betting import any_time_interval, evidence_not_worse, evidence_worse
from ratchet.metrics.intervals import paired_difference_interval, proportion_interval
from ratchet.metrics.share_evidence import any_time_share_interval, evidence_above
from ratchet.rollout.cost_guardrail import measure_cost
from ratchet.rollout.evidence import Evidence
from ratchet.rollout.guardrail import Guardrail, step_threshold
from ratchet.rollout.label_guardrails import measure_labels
from ratchet.rollout.latency_guardrails import measure_latency


def measure_guardrails(policy: PromotionPolicy, whole: Evidence, step: Evidence) -> tuple[Guardrail, ...]:
    """Measure accuracy (overall, within each label) and disagreement over `whole`, errors and latency over `step`."""
    accuracy = (_accuracy(policy, whole, step), *measure_labels(policy, whole), *measure_cost(policy, whole))
    return (*accuracy, _disagreement(policy, whole), _errors(policy, step), *measure_latency(policy, step))


def compare_accuracy(policy: PromotionPolicy, whole: Evidence) -> str:
    """Write `accuracy difference -0.4 pp, 95 % CI [-1.9, +1.1], margin -1.0`: candidate minus live, in percentage
    points."""
    if whole.labelled == 0:
        return f"accuracy difference unknown, margin {-100 * policy.margin:.1f}"
    n, confidence = whole.labelled, 0.95
    low, high = paired_difference_interval(whole.only_incumbent, whole.only_challenger, n, confidence)
    value = (whole.only_challenger - whole.only_incumbent) / n
    return (
        f"accuracy difference {100 * value:+.1f} pp, {100 * confidence:.3g} % CI [{100 * low:+.1f}, {100 * high:+.1f}],"
        f" margin {-100 * policy.margin:.1f}"
    )


def _accuracy(policy: PromotionPolicy, whole: Evidence, step: Evidence) -> Guardrail:
    """Measure the difference of accuracy with the interval that decides: `ok` only once "not worse" is shown.

    "Worse" is asked of the whole comparison, and of the newest step alone, each at half of `alpha_back`.
    """
    if not whole.compared:
        return _former_accuracy(policy, whole)
    low, high = any_time_interval(whole.losses, whole.wins, whole.compared, 2 * policy.alpha, whole.waiting)
    value, margin = (whole.wins - whole.losses) / whole.compared, f"{100 * policy.margin:g} points"
    worse = any(
        evidence_worse(each.losses, each.wins + each.waiting, each.compared, policy.margin) >= policy.limit_back
        for each in (whole, step)
    )
    proven = evidence_not_worse(whole.losses + whole.waiting, whole.wins, whole.compared, policy.margin) >= policy.limit
    status: Literal["ok", "open", "broken"] = "broken" if worse else "ok" if proven else "open"
    sentence = {
        "broken": f"more than {margin} worse, shown",
        "ok": f"not worse than {margin}, shown",
        "open": f"not worse than {margin} is not shown yet",
    }[status]
    low_95, high_95 = any_time_interval(whole.losses, whole.wins, whole.compared, 0.05, whole.waiting)
    return Guardrail("accuracy", status, sentence, value, low, high, -policy.margin, 1 - policy.alpha, low_95, high_95)


def _former_accuracy(policy: PromotionPolicy, whole: Evidence) -> Guardrail:
    """Measure accuracy on all labelled requests, for evidence that counts no stream."""
    if whole.labelled == 0:
        return Guardrail("accuracy", "unknown", "no labelled requests", limit=-policy.margin)
    low, high = paired_difference_interval(whole.only_incumbent, whole.only_challenger, whole.labelled)
    value = (whole.only_challenger - whole.only_incumbent) / whole.labelled
    worse = high < -policy.margin
    sentence = "accuracy is worse than the margin allows" if worse else compare_accuracy(policy, whole)
    return Guardrail("accuracy", "broken" if worse else "ok", sentence, value, low, high, -policy.margin)


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
