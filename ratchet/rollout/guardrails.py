"""Guardrails: figures of a rollout, each with its interval and its limit.

Add a guardrail here; which of them stops, holds or rolls back is decided in `decision.py`.
"""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AliasChoices, Field

from ratchet.config.policy import PromotionPolicy
from ratchet.metrics.intervals import paired_difference_interval, proportion_interval
from ratchet.rollout.evidence import Evidence


@dataclass(frozen=True)
class Guardrail:
    """One figure with its limit. `broken` rolls the candidate back, `high` holds it, `unknown` does not pass."""

    name: str
    status: Literal["ok", "high", "broken", "unknown"]
    sentence: Annotated[str, Field(validation_alias=AliasChoices("sentence", "said"))]
    """The figure, its interval and its limit, in words; `rollout.json` has it under the key `said`."""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    limit: float | None = None


def measure_guardrails(policy: PromotionPolicy, whole: Evidence, step: Evidence) -> tuple[Guardrail, ...]:
    """Measure accuracy (overall, within each label) and disagreement over `whole`, errors and latency over `step`."""
    accuracy = (_accuracy(policy, whole), *_by_label(policy, whole))
    return (*accuracy, _disagreement(policy, whole), _errors(policy, step), _latency(policy, step))


def compare_accuracy(policy: PromotionPolicy, whole: Evidence) -> str:
    """Write `accuracy difference -0.4 pp, 95 % CI [-1.9, +1.1], margin -1.0`: candidate minus live, in percentage
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
    sentence = "accuracy is worse than the margin allows" if worse else compare_accuracy(policy, whole)
    return Guardrail("accuracy", "broken" if worse else "ok", sentence, value, low, high, -policy.margin)


def _by_label(policy: PromotionPolicy, whole: Evidence) -> list[Guardrail]:
    """One guardrail for each label that is worse with statistical significance, with the error shared among labels."""
    # a class can be ruined while accuracy over all labels hardly moves
    worse = []
    confidence = 1 - 0.05 / max(1, len(whole.by_label))
    for label, (n, only_incumbent, only_challenger) in whole.by_label.items():
        low, high = paired_difference_interval(only_incumbent, only_challenger, n, confidence)
        if high < -policy.margin:
            sentence = f"label {label!r}: {_points(n, only_incumbent, only_challenger, policy.margin, confidence)}"
            value = (only_challenger - only_incumbent) / n
            worse.append(Guardrail(f"accuracy of {label}", "broken", sentence, value, low, high, -policy.margin))
    return worse


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
    if step.requests == 0:
        return Guardrail("errors", "unknown", "no requests since the last move", limit=policy.max_error_share)
    share = step.errors / step.requests
    low, high = proportion_interval(step.errors, step.requests)
    sentence = f"{step.errors} of {step.requests} requests failed, limit {100 * policy.max_error_share:g} %"
    return Guardrail(
        "errors", "broken" if low > policy.max_error_share else "ok", sentence, share, low, high, policy.max_error_share
    )


def _latency(policy: PromotionPolicy, step: Evidence) -> Guardrail:
    limit, ours, theirs = policy.max_latency_ratio, step.challenger_p95_ms, step.incumbent_p95_ms
    if ours is None or theirs is None or not (math.isfinite(ours) and math.isfinite(theirs)) or theirs <= 0:
        return Guardrail("latency", "unknown", "the model's processor time is not known for both", limit=limit)
    sentence = f"p95 of the model's processor time {ours:.1f} ms against {theirs:.1f} ms, limit {limit:g} times"
    slow = ours / theirs > limit and step.requests >= policy.min_step_requests
    return Guardrail("latency", "broken" if slow else "ok", sentence, ours / theirs, limit=limit)
