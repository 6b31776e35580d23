"""Cost guardrail: wrong answers weighed by `cost_wrong` of the label that was answered. Offered, not asked by default.

Add here another weighing of a rollout's errors; the counts are made in `ratchet/rollout/evidence/stream_sql.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ratchet.config.policy import PromotionPolicy
from ratchet.metrics.cost_evidence import evidence_dearer
from ratchet.rollout.evidence.counts import Evidence
from ratchet.rollout.guardrails.guardrail import Guardrail

Answers = tuple[Sequence[str], Sequence[str], bool, bool, int]
"""Live's answer and the candidate's, as labels of now; True where live alone, where the candidate alone is right; how
many such requests have a verdict."""


def weigh_answers(evidence: Evidence, answers: Sequence[Answers], costs: Mapping[str, float]) -> Evidence:
    """Return `evidence` with the rise of cost on each request that has a verdict and two answers.

    An answer that stands for several labels, or for one without a cost, costs the least that it may for the candidate
    and the most for live: missing knowledge rolls nothing back.
    """
    largest = max(costs.values(), default=0.0)
    rises: dict[float, int] = {}
    for live, candidate, lost, won, n in answers:
        ours = 0.0 if won else min((costs.get(each, 0.0) for each in candidate), default=0.0)
        theirs = 0.0 if lost else max((costs.get(each, largest) for each in live), default=largest)
        rises[ours - theirs] = rises.get(ours - theirs, 0) + n
    return replace(evidence, largest_cost=largest, cost_rises=tuple(sorted(rises.items())))


def measure_cost(policy: PromotionPolicy, whole: Evidence) -> tuple[Guardrail, ...]:
    """Measure the rise of the mean cost of a request; nothing where `max_cost_rise` is not set, or nothing costs.

    A disagreement that waits for a vote counts as the largest fall.
    """
    limit, largest = policy.max_cost_rise, whole.largest_cost
    if limit is None or (whole.compared and largest <= 0):
        return ()
    if not whole.compared:
        return (Guardrail("cost", "unknown", "no compared requests of the evidence", limit=limit),)
    rises = [*whole.cost_rises, (-largest, whole.waiting)]
    shown = evidence_dearer(rises, whole.compared, largest, limit) >= 1 / policy.alpha_back
    value = sum(rise * n for rise, n in whole.cost_rises) / whole.compared
    sentence = f"wrong answers cost {value:+.3g} a request against live's, limit {limit:+.3g}"
    sentence = f"{sentence}: shown to be over it" if shown else sentence
    return (Guardrail("cost", "broken" if shown else "ok", sentence, value, limit=limit),)
