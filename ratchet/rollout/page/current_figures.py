"""The weighing that a page may show: the guardrails and counts that belong to the newest entry, and when they were
taken.

While a comparison runs that is the remembered decision, if it was taken on the newest entry; else what that entry
itself was decided from, which is signed. Add here where else figures may come from; figures of another state are never
shown.
"""

from dataclasses import dataclass

from ratchet.config.policy import PromotionPolicy
from ratchet.rollout.evidence import Evidence
from ratchet.rollout.guardrails import Guardrail, measure_guardrails
from ratchet.rollout.page.history import write_time
from ratchet.rollout.page.last_decision import LastDecision, read_evidence
from ratchet.rollout.state import RolloutState


@dataclass(frozen=True)
class CurrentFigures:
    """Figures, and the decision that they led to if nothing followed from it yet. Without any, `whole` and `step` are
    None."""

    guardrails: tuple[Guardrail, ...]
    when: str
    whole: Evidence | None = None
    step: Evidence | None = None
    decision: LastDecision | None = None


def find_figures(policy: PromotionPolicy, state: RolloutState, remembered: LastDecision | None) -> CurrentFigures:
    """The weighing that belongs to `state`; with only limits where there is none."""
    moved, none = state.moved, measure_guardrails(policy, Evidence(), Evidence())
    if remembered is not None and state.compared is not None and remembered.sequence == state.head.sequence:
        whole, step = (read_evidence(remembered.figures.get(part)) for part in ("whole", "step"))
        return CurrentFigures(
            remembered.guardrails or none, f"Weighed {write_time(remembered.at)}.", whole, step, remembered
        )
    if moved is not None and (state.compared is None or moved is state.newest):
        whole, step = (read_evidence(moved.evidence.get(part)) for part in ("whole", "step"))
        if whole is not None and step is not None:
            when = f"What entry {moved.sequence} was decided from, {write_time(moved.ts)}, under today's limits."
            return CurrentFigures(measure_guardrails(policy, whole, step), when, whole, step)
    return CurrentFigures(
        none, "Nothing is compared now." if state.compared is None else "Not weighed since the newest entry."
    )
