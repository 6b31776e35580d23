"""Guardrails: what is measured of a rollout, each against its limit, with how sure one can be.

Add a guardrail here; which of them stops, holds or takes back is decided in `decision.py`.
"""

import math
from dataclasses import dataclass
from typing import Literal

from ratchet.config.policy import PromotionPolicy
from ratchet.metrics.intervals import paired_difference_interval, proportion_interval
from ratchet.rollout.evidence import Evidence


@dataclass(frozen=True)
class Guardrail:
    """One figure with its limit. `broken` takes the challenger back, `high` holds it, `unknown` is no pass."""

    name: str
    status: Literal["ok", "high", "broken", "unknown"]
    said: str
    """The figure, its interval and its limit, in words."""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    limit: float | None = None


def measure_guardrails(policy: PromotionPolicy, whole: Evidence, step: Evidence) -> tuple[Guardrail, ...]:
    """Accuracy (over all and within each label), disagreement, errors and latency. Errors and latency are those of this
    step."""
    told = (_accuracy(policy, whole), *_by_label(policy, whole))
    return (*told, _disagreement(policy, whole), _errors(policy, step), _latency(policy, step))


def compare_accuracy(policy: PromotionPolicy, whole: Evidence) -> str:
    """`accuracy difference -0.4 pp, 95 % CI [-1.9, +1.1], margin -1.0`: challenger less incumbent, in percentage
    points."""
    if whole.labelled == 0:
        return f"accuracy difference unknown, margin {-100 * policy.margin:.1f}"
    return _points(whole.labelled, whole.only_incumbent, whole.only_challenger, policy.margin, 0.95)


def _points(n: int, only_incumbent: int, only_challenger: int, margin: float, confidence: float) -> str:
    low, high = paired_difference_interval(only_incumbent, only_challenger, n, confidence)
    value = (only_challenger - only_incumbent) / n
    return (
        f"accuracy difference {100 * value:+.1f} pp, {100 * confidence:.3g} % CI [{100 * low:+.1f}, {100 * high:+.1f}],"
        f" margin {-100 * margin:.1f}"
    )


def _accuracy(policy: PromotionPolicy, whole: Evidence) -> Guardrail:
    if whole.labelled == 0:
        return Guardrail("accuracy", "unknown", "no labelled requests", limit=-policy.margin)
    low, high = paired_difference_interval(whole.only_incumbent, whole.only_challenger, whole.labelled)
    value = (whole.only_challenger - whole.only_incumbent) / whole.labelled
    worse = high < -policy.margin
    said = "accuracy is worse than the margin allows" if worse else compare_accuracy(policy, whole)
    return Guardrail("accuracy", "broken" if worse else "ok", said, value, low, high, -policy.margin)


def _by_label(policy: PromotionPolicy, whole: Evidence) -> list[Guardrail]:
    """One for each label that is shown to be worse: a class can be ruined while the whole hardly moves. The error is
    shared."""
    result = []
    confidence = 1 - 0.05 / max(1, len(whole.by_label))
    for label, (n, only_incumbent, only_challenger) in whole.by_label.items():
        low, high = paired_difference_interval(only_incumbent, only_challenger, n, confidence)
        if high < -policy.margin:
            said = f"label {label!r}: {_points(n, only_incumbent, only_challenger, policy.margin, confidence)}"
            value = (only_challenger - only_incumbent) / n
            result.append(Guardrail(f"accuracy of {label}", "broken", said, value, low, high, -policy.margin))
    return result


def _disagreement(policy: PromotionPolicy, whole: Evidence) -> Guardrail:
    answered = whole.requests - whole.errors
    if answered <= 0:
        return Guardrail("disagreement", "unknown", "no compared answers", limit=policy.max_disagreement)
    share = whole.disagreements / answered
    low, high = proportion_interval(whole.disagreements, answered)
    said = f"labels differ on {100 * share:.1f} % of requests, limit {100 * policy.max_disagreement:g} %"
    status: Literal["ok", "high"] = "high" if share > policy.max_disagreement else "ok"
    return Guardrail("disagreement", status, said, share, low, high, policy.max_disagreement)


def _errors(policy: PromotionPolicy, step: Evidence) -> Guardrail:
    if step.requests == 0:
        return Guardrail("errors", "unknown", "no requests since the last move", limit=policy.max_error_share)
    share = step.errors / step.requests
    low, high = proportion_interval(step.errors, step.requests)
    said = f"{step.errors} of {step.requests} requests failed, limit {100 * policy.max_error_share:g} %"
    return Guardrail(
        "errors", "broken" if low > policy.max_error_share else "ok", said, share, low, high, policy.max_error_share
    )


def _latency(policy: PromotionPolicy, step: Evidence) -> Guardrail:
    limit, ours, theirs = policy.max_latency_ratio, step.challenger_p95_ms, step.incumbent_p95_ms
    if ours is None or theirs is None or not (math.isfinite(ours) and math.isfinite(theirs)) or theirs <= 0:
        return Guardrail("latency", "unknown", "the model's processor time is not known of both", limit=limit)
    said = f"p95 of the model's processor time {ours:.1f} ms against {theirs:.1f} ms, limit {limit:g} times"
    slow = ours / theirs > limit and step.requests >= policy.min_step_requests
    return Guardrail("latency", "broken" if slow else "ok", said, ours / theirs, limit=limit)
