"""Figures that the page may show: the guardrails and counts that belong to the newest entry, and their time.

While a comparison runs they are those of the remembered decision, if it was made on the newest entry; otherwise those
on which that entry itself was decided, which are signed. Add another source of figures here; figures of another state
are never shown.
"""

from dataclasses import dataclass

from ratchet.config.policy import PromotionPolicy
from ratchet.rollout.evidence.counts import Evidence
from ratchet.rollout.guardrails.guardrail import Guardrail
from ratchet.rollout.guardrails.measure import measure_guardrails
from ratchet.rollout.page.history import write_time
from ratchet.rollout.page.last_decision import LastDecision, read_evidence
from ratchet.rollout.state import RolloutState


@dataclass(frozen=True)
class CurrentFigures:
    """Figures, and the decision made on them if it is still the newest. `whole` and `step` are None without figures."""

    guardrails: tuple[Guardrail, ...]
    when: str
    whole: Evidence | None = None
    step: Evidence | None = None
    decision: LastDecision | None = None


def find_figures(policy: PromotionPolicy, state: RolloutState, remembered: LastDecision | None) -> CurrentFigures:
    """Return the figures that belong to `state`; only limits where there are none."""
    moved, none = state.moved, measure_guardrails(policy, Evidence(), Evidence())
    # entries that move nothing (a hold, the kill switch, a policy) leave the figures as they are
    newest = state.head.sequence if moved is None else moved.sequence
    if remembered is not None and state.compared and newest <= remembered.sequence <= state.head.sequence:
        whole, step = (read_evidence(remembered.figures.get(part)) for part in ("whole", "step"))
        decision = remembered if remembered.sequence == state.head.sequence else None
        when = f"Evaluated {write_time(remembered.at)}."
        return CurrentFigures(remembered.guardrails or none, when, whole, step, decision)
    if moved is not None:
        whole, step = (read_evidence(moved.evidence.get(part)) for part in ("whole", "step"))
        if whole is not None and step is not None:
            when = f"entry {moved.sequence} was decided on them, {write_time(moved.ts)}; limits are today's."
            when = (
                f"Evaluated again within a minute; last figures below: {when}"
                if state.compared
                else f"Last figures: {when}"
            )
            return CurrentFigures(measure_guardrails(policy, whole, step), when, whole, step)
    return CurrentFigures(
        none,
        "Nothing is compared now." if state.compared is None else "Evaluated again within a minute; no figures yet.",
    )
