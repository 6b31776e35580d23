"""Latency guardrails: the candidate's processor time against live's, on requests that both answered in like batches.

Two tests, since a median never sees a candidate that stalls now and then, and an average of stalls is all chance. Add
another figure of time here; the pairs are counted by `ratchet/rollout/evidence/timed_pairs.py`.
"""

import math

from ratchet.config.policy import PromotionPolicy
from ratchet.metrics.share_evidence import evidence_above
from ratchet.rollout.evidence.counts import Evidence
from ratchet.rollout.evidence.timed_pairs import STALLED
from ratchet.rollout.guardrails.guardrail import Guardrail, step_threshold

_LEAST_MORE = 0.01
"""Share of requests by which the candidate must stall more often than live: less rolls nothing back."""


def measure_latency(policy: PromotionPolicy, step: Evidence) -> tuple[Guardrail, ...]:
    """Measure latency over the timed pairs: the median ratio, and stalls.

    Evidence of before timed no pairs: its figure is shown, and holds where it is over the limit.
    """
    if step.timed and step.median_time_ratio is not None:
        return _medians(policy, step, step.median_time_ratio), _stalls(policy, step)
    limit, ours, theirs = policy.max_latency_ratio, step.challenger_p95_ms, step.incumbent_p95_ms
    if ours is None or theirs is None or not (math.isfinite(ours) and math.isfinite(theirs)) or theirs <= 0:
        return (Guardrail("latency", "unknown", "the model's processor time is not known for both", limit=limit),)
    sentence = f"p95 of the model's processor time {ours:.1f} ms against {theirs:.1f} ms, limit {limit:g} times"
    return (Guardrail("latency", "high" if ours / theirs > limit else "ok", sentence, ours / theirs, limit=limit),)


def _medians(policy: PromotionPolicy, step: Evidence, ratio: float) -> Guardrail:
    """Test whether the candidate takes over `max_latency_ratio` times as long as live on most timed pairs.

    That is a statement on the median of the ratio; a sign test by betting, valid at every look.
    """
    limit, pairs = policy.max_latency_ratio, step.timed
    shown = evidence_above(step.slower, pairs, 0.5) >= step_threshold(policy)
    over = f", over it on {step.slower:,}" if shown else ""
    sentence = (
        f"the model's processor time is {ratio:.2f} times live's (median of {pairs:,} timed pairs{over}),"
        f" limit {limit:g} times"
    )
    return Guardrail("latency", "broken" if shown else "ok", sentence, ratio, limit=limit)


def _stalls(policy: PromotionPolicy, step: Evidence) -> Guardrail:
    """Test whether the candidate stalls more often than live.

    Pairs in which one of the two stalls are bets on a fair coin: where both stall alike, the evidence reaches
    1/alpha with a probability of at most alpha, at whatever number of looks.
    """
    pairs, ours, theirs = step.timed, step.stalls, step.live_stalls
    more = (ours - theirs) / pairs
    shown = more > _LEAST_MORE and evidence_above(ours, ours + theirs, 0.5) >= step_threshold(policy)
    sentence = f"{STALLED:g} times slower than usual on {ours:,} of {pairs:,} timed pairs, live on {theirs:,}"
    return Guardrail("stalls", "broken" if shown else "ok", sentence, more, limit=_LEAST_MORE)
