"""Promotion: a pure decision from the evidence of a rollout, with one sentence; others carry it out and record it.

Add a rule here, in the order in which it must apply. Counts are in `evidence.py`, limits in `guardrails.py`, the effect
of an action on the rollout in `state.py`.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ratchet.config.policy import PromotionPolicy
from ratchet.data.label_selection import describe_selection
from ratchet.metrics.intervals import paired_difference_interval
from ratchet.rollout import ledger_entry as act
from ratchet.rollout.evidence import Evidence
from ratchet.rollout.forecast import Obstacle, find_lack, find_narrowing
from ratchet.rollout.guardrail import Guardrail
from ratchet.rollout.guardrails import compare_accuracy, measure_guardrails
from ratchet.rollout.state import RolloutState

STAY = "hold"
"""The decision to change nothing; it is not a ledger entry."""


@dataclass(frozen=True)
class Decision:
    """An action and its reason, in one sentence that is the same in command, ledger, page and log."""

    action: str
    """`hold` changes nothing; any other is an action of the ledger."""
    sentence: str
    state: str
    """The state word of the rollout page, as it is before the action."""
    adapter: str = ""
    """Adapter that the ledger entry moves."""
    gone: str = ""
    """Adapter that the action removes or replaces."""
    percent: int = 0
    guardrails: tuple[Guardrail, ...] = ()
    figures: dict[str, Any] = field(default_factory=dict)


def decide(state: RolloutState, policy: PromotionPolicy, whole: Evidence, step: Evidence, now: datetime) -> Decision:
    """Decide on the comparison that is running.

    `whole` counts since the comparison began, `step` since the newest move; `now` is aware. Rules, in order: a broken
    guardrail rolls the candidate back at once; a stopped ladder holds; votes of a quarantined week, labels of errors
    alone, too little evidence, a candidate whose answers are all those of live, a figure that cannot be computed,
    disagreement, or an interval that reaches below the margin hold. Past the deadline they end the attempt, unless it
    lacks requests or labels that will come within eight weeks at the measured pace; a dwell that is not over holds;
    otherwise the next step is taken. Nothing advances without data.
    """
    if state.compared is None or state.live is None or state.moved is None:
        return Decision(STAY, "Held: nothing is compared with live.", name_state(state), state.live or "")
    incumbent, challenger = state.compared
    measured = measure_guardrails(policy, whole, step)
    accuracy = compare_accuracy(policy, whole)

    def found(action: str, word: str, *, percent: int = 0, state_word: str = "") -> Decision:
        adapter = incumbent if action in {act.REJECT, act.EXPIRE, act.ROLLBACK} else challenger
        gone = challenger if adapter == incumbent else incumbent
        sentence = f"{word}; {accuracy}" if word.endswith((".", "%")) or ":" in word else f"{word}: {accuracy}"
        figures = {"whole": whole.as_json(), "step": step.as_json(), "policy_margin": policy.margin}
        return Decision(action, sentence, state_word or name_state(state), adapter, gone, percent, measured, figures)

    def hold(why: str = "", state_word: str = "") -> Decision:
        return found(STAY, f"Held: {why}" if why else "Held", state_word=state_word)

    if broken := next((each for each in measured if each.status == "broken"), None):
        # a candidate that only shadows has answered no user, so there is nothing to roll back
        back = act.REJECT if state.challenger and not state.percent else act.ROLLBACK
        return found(
            back,
            f"{'Rejected' if back == act.REJECT else 'Rolled back'}: {broken.sentence}",
            state_word="Guardrail failing",
        )
    if state.held:
        return hold("a person stopped the ladder", state_word="Held")
    since = now - datetime.fromisoformat(state.moved.ts)
    if (waits := _waits_for(state, policy, whole, step, measured, since)) is not None:
        # An attempt ends at its deadline, never by the number of requests: labels come late, and a busy gateway has
        # compared any number of requests before the first of them. Where few requests or labels come, each attempt
        # would end so, for ever; it goes on while the pace brings a decision.
        goes_on = state.challenger is not None and waits.comes_in_time(since) and (waits.is_count or not state.percent)
        if since < timedelta(hours=policy.deadline_hours) or goes_on:
            return hold(waits.describe(), state_word=_waiting_word(whole))
        late = f"{waits.describe() or 'the interval reaches below the margin'}, after {policy.deadline_hours:g} h"
        if state.percent:
            return found(act.ROLLBACK, f"Rolled back: {late}")
        return found(act.EXPIRE, f"Expired: {late}") if state.challenger else found(act.RELEASE, f"Released: {late}")
    if since < timedelta(minutes=policy.dwell_minutes):
        return hold(f"{_minutes(since)} of {policy.dwell_minutes:g} minutes at this step")
    if state.challenger is None:
        return found(act.RELEASE, "Released")
    percent = next(each for each in policy.steps if each > state.percent)
    if percent == 100:
        return found(act.PROMOTE, "Promoted")
    return found(act.STEP, f"Step {percent} %", percent=percent)


def _waits_for(
    state: RolloutState,
    policy: PromotionPolicy,
    whole: Evidence,
    step: Evidence,
    measured: tuple[Guardrail, ...],
    since: timedelta,
) -> Obstacle | None:
    """Return the obstacle to the next step, None where there is none."""
    if whole.quarantined:
        held = f"{whole.quarantined} labelled requests are of a quarantined week, and count only once it is released"
        return Obstacle(held)
    if whole.one_sided and whole.labelled < policy.min_labels:
        return Obstacle(describe_selection(whole.one_sided, whole.confirming))
    if (lack := find_lack(state.percent, policy, whole, step, since)) is not None:
        return lack
    if state.challenger is not None and not whole.disagreements and not whole.renamed:
        return Obstacle(f"none of {whole.requests} answers differs from live's: a copy is not promoted")
    if unclear := next((each for each in measured if each.status in {"unknown", "high"}), None):
        return Obstacle(unclear.sentence)
    low, _ = paired_difference_interval(whole.only_incumbent, whole.only_challenger, whole.labelled)
    return None if low >= -policy.margin else find_narrowing(policy, whole)


def name_state(state: RolloutState) -> str:
    """Return the state word of a state, where no figure says more."""
    if state.live is None:
        return "No data"
    if state.held:
        return "Held"
    if state.challenger is not None:
        return f"Step {state.percent} %" if state.percent else "Shadowing"
    if state.watched_by is not None:
        return "Step 100 %"
    return "Rolled back" if state.moved and state.moved.action in {act.ROLLBACK, act.REJECT} else "Released"


def _waiting_word(whole: Evidence) -> str:
    return "No data" if whole.requests == 0 else "Held: not enough evidence"


def _minutes(since: timedelta) -> str:
    return f"{max(0.0, since.total_seconds() / 60):.0f}"
