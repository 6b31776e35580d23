"""Promotion: a pure decision from the evidence of a rollout, with one sentence; others carry it out and record it.

Add a rule here, in the order in which it must apply. Counts are in `evidence/`, what they show in `proof.py`, limits in
`guardrails/`, the effect of an action on the rollout in `state.py`.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ratchet.config.policy import PromotionPolicy
from ratchet.rollout import ledger_entry as act
from ratchet.rollout.doubt import describe_unlike, find_doubt
from ratchet.rollout.evidence.counts import Evidence
from ratchet.rollout.forecast import Obstacle, find_labels, find_lack, in_words
from ratchet.rollout.guardrails.guardrail import Guardrail
from ratchet.rollout.guardrails.measure import measure_guardrails
from ratchet.rollout.proof import Proof, prove
from ratchet.rollout.state import RolloutState

STAY = "hold"
"""The decision to change nothing; it is not a ledger entry."""
_UNCLEAR = {"unknown", "high"}


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
    guardrail rolls the candidate back at once, "more than the margin worse" among them; a stopped ladder holds. Before
    the first step everything of `_waits_for` holds; once "not worse" was shown, which the ledger's entry of that step
    records, no later step asks for it again: only errors, latency and requests. What still waits after `max_weeks` ends
    the attempt. A dwell that is not over holds; otherwise the next step is taken. Nothing advances without data.
    """
    if state.compared is None or state.live is None or state.moved is None:
        return Decision(STAY, "Held: nothing is compared with live.", name_state(state), state.live or "")
    incumbent, challenger = state.compared
    measured, proof = measure_guardrails(policy, whole, step), prove(policy, whole, step)
    entering = state.challenger is not None and not state.percent
    unlike = describe_unlike(whole) if entering and whole.drawn else ""

    def found(action: str, sentence: str, *, percent: int = 0, state_word: str = "") -> Decision:
        adapter = incumbent if action in {act.REJECT, act.EXPIRE, act.ROLLBACK} else challenger
        gone = challenger if adapter == incumbent else incumbent
        figures = {"whole": whole.as_json(), "step": step.as_json(), "policy_margin": policy.margin}
        figures["proof"] = proof.as_json()
        sentence = f"{sentence}; a remark: {unlike}" if unlike else sentence
        return Decision(action, sentence, state_word or name_state(state), adapter, gone, percent, measured, figures)

    def hold(why: str, state_word: str = "") -> Decision:
        return found(STAY, f"Held: {why}; {proof.describe_figures()}", state_word=state_word)

    if broken := next((each for each in measured if each.status == "broken"), None):
        # a candidate that only shadows has answered no user, so there is nothing to roll back
        back = act.REJECT if state.challenger and not state.percent else act.ROLLBACK
        word = "Rejected" if back == act.REJECT else "Rolled back"
        why = proof.describe_claim() if proof.shows_worse else f"{broken.sentence}; {proof.describe_figures()}"
        return found(back, f"{word}: {why}", state_word="Guardrail failing")
    if state.held:
        return hold("a person stopped the ladder", state_word="Held")
    since = now - datetime.fromisoformat(state.moved.ts)
    if (waits := _waits_for(state, policy, whole, step, proof, measured, since)) is not None:
        # an attempt ends at its last week, never by the number of requests: labels come late, and a busy gateway has
        # compared any number of requests before the first of them
        if since < timedelta(weeks=policy.max_weeks):
            return hold(waits.describe(), state_word=_waiting_word(whole))
        late = f"undecided after {in_words(7 * policy.max_weeks)}: {waits.describe()}; {proof.describe_figures()}"
        if state.percent:
            return found(act.ROLLBACK, f"Rolled back: {late}")
        return found(act.EXPIRE, f"Expired: {late}") if state.challenger else found(act.RELEASE, f"Released: {late}")
    if since < timedelta(minutes=policy.dwell_minutes):
        return hold(f"{_minutes(since)} of {policy.dwell_minutes:g} minutes at this step")
    claim = proof.describe_claim()
    if state.challenger is None:
        return found(act.RELEASE, f"Released: {claim}")
    percent = next(each for each in policy.steps if each > state.percent)
    if percent == 100:
        return found(act.PROMOTE, f"Promoted: {claim}")
    return found(act.STEP, f"Step {percent} %: {claim}", percent=percent)


def _waits_for(
    state: RolloutState,
    policy: PromotionPolicy,
    whole: Evidence,
    step: Evidence,
    proof: Proof,
    measured: tuple[Guardrail, ...],
    since: timedelta,
) -> Obstacle | None:
    """Return the obstacle to the next step, None where there is none."""
    entering = state.challenger is not None and not state.percent
    if whole.quarantined:
        held = f"{whole.quarantined} labelled requests are of a quarantined week, and count only once it is released"
        return Obstacle(held)
    if (lack := find_lack(policy, whole, step, since, percent=state.percent, entering=entering)) is not None:
        return lack
    elsewhere = {"accuracy"} if entering else {"accuracy", "disagreement"}
    if unclear := next((each for each in measured if each.name not in elsewhere and each.status in _UNCLEAR), None):
        return Obstacle(unclear.sentence)
    if state.is_shown:
        return None
    return find_doubt(policy, whole, proof, entering=entering) or (
        None if proof.shows_not_worse else find_labels(policy, whole, proof, since)
    )


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
