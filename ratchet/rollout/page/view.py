"""Content of the page as plain values: state word, sentence, ladder, tiles, evidence, history, and rollback preview.

Everything is derived from the signed entries; the remembered decision only adds figures, and only where it was made on
the newest of them. Add here what a reader must see; the layout is in `templates/`, reading the files is
`ratchet/workflows/rollout/view.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ratchet.config.policy import PromotionPolicy
from ratchet.rollout import ledger_entry as act
from ratchet.rollout.decision import STAY, name_state
from ratchet.rollout.error_budget import ErrorBudget, read_budget
from ratchet.rollout.ledger_entry import Entry, Head
from ratchet.rollout.page.current_figures import CurrentFigures, find_figures
from ratchet.rollout.page.evidence_counts import Count, count_evidence
from ratchet.rollout.page.guardrail_tiles import Tile, build_tiles, is_failing
from ratchet.rollout.page.history import HISTORY_AT_MOST, SHOWN, HistoryRow, list_history, write_time
from ratchet.rollout.page.ladder import Rung, build_ladder
from ratchet.rollout.page.last_decision import LastDecision
from ratchet.rollout.state import RolloutState, state_after

FAILING = "Guardrail failing"
_TONES = {
    "Released": ("passed", "✓"),
    "Rolled back": ("blocked", "↩"),
    FAILING: ("blocked", "✕"),
    "No data": ("open", "?"),
}
_OF_EVIDENCE = {"No data", "Held: not enough evidence", "Held: frozen"}
"""State words that only the figures can give; every other one follows from the signed entries."""
_BY_PEOPLE = {act.PROMOTE: "Promoted", act.HOLD: "Held", act.RESUME: "Resumed"}


@dataclass(frozen=True)
class RollbackPreview:
    """Effect of a rollback: the adapter that answers then, and the one that is removed."""

    target: str
    gone: str
    of_challenger: bool


@dataclass(frozen=True)
class View:
    """The page of one classifier, before it is drawn."""

    classifier: str
    state: str
    tone: str
    sign: str
    sentence: str
    weighed: str
    """Time of the figures, or the reason why there are none."""
    live: str
    since: str
    dwell: str
    rungs: tuple[Rung, ...]
    tiles: tuple[Tile, ...]
    counts: tuple[Count, ...]
    rows: tuple[HistoryRow, ...]
    older: int
    back: RollbackPreview | None
    head: Head
    budget: str = ""
    """Part of the year's error of false promotions that is spent, and what holds where all is."""
    waiting: str = ""
    """The newer candidate that waits for the one that is compared, and its week."""
    pause: str = ""
    """Reason why nothing was promoted for some weeks; empty where something was."""
    held: bool = False
    """True while a person has stopped the ladder."""
    other: str = ""
    other_name: str = ""
    other_role: str = ""
    """The adapter that is compared with live, its name, and its part in the rollout."""


def view_rollout(
    classifier: str, policy: PromotionPolicy, entries: Sequence[Entry], remembered: LastDecision | None, now: datetime
) -> View:
    """Return the page after `entries`; `remembered` adds figures if it was made on the newest of them."""
    state = state_after(entries)
    figures = find_figures(policy, state, remembered)
    word = _name_state(state, figures)
    tone, sign = _TONES.get(word) or (("open", "‖") if word.startswith("Held") else ("first", "▶"))
    compared, moved = state.compared, state.moved
    view = View(
        classifier=classifier,
        state=word,
        tone=tone,
        sign=sign,
        sentence=_say(figures.decision) if figures.decision else _say_newest(state),
        weighed=figures.when,
        live=(state.live or "")[:SHOWN],
        since=write_time(moved.ts) if moved else "",
        dwell=_say_dwell(policy, state, now),
        rungs=build_ladder(policy, entries, state),
        tiles=build_tiles(figures.guardrails, is_shown=state.is_shown),
        counts=_count(policy, state, figures),
        rows=list_history(entries),
        older=max(0, len(entries) - HISTORY_AT_MOST),
        back=_back(state),
        head=state.head,
        held=state.held,
        budget=_say_budget(read_budget(entries, policy, now)),
    )
    if compared is None:
        return view
    if state.challenger is None:
        return replace(
            view, other=compared[0][:SHOWN], other_name="Previous", other_role="shadows live, and can take over again"
        )
    role = f"answers {state.percent} % of users, and shadows live for the others" if state.percent else "shadows live"
    return replace(view, other=compared[1][:SHOWN], other_name="Candidate", other_role=role)


def _name_state(state: RolloutState, found: CurrentFigures) -> str:
    if found.decision is None:
        return name_state(state)
    if any(map(is_failing, found.guardrails)):
        return FAILING
    return found.decision.state if found.decision.state in _OF_EVIDENCE else name_state(state)


def _say(decision: LastDecision) -> str:
    return decision.sentence if decision.action == STAY else f"Decided, but not carried out: {decision.sentence}"


def _say_newest(state: RolloutState) -> str:
    entry = state.newest
    if entry is None:
        return "No adapter was promoted yet."
    by_hand = entry.action in _BY_PEOPLE and (entry.action != act.PROMOTE or bool(entry.receipts))
    return f"{_BY_PEOPLE[entry.action]} by {entry.actor}: {entry.why}" if by_hand else entry.why


def _say_dwell(policy: PromotionPolicy, state: RolloutState, now: datetime) -> str:
    if state.compared is None or state.moved is None:
        return ""
    try:
        minutes = max(0.0, (now - datetime.fromisoformat(state.moved.ts)).total_seconds() / 60)
    except (ValueError, TypeError):
        return ""
    return f"{minutes:.0f} min at this step; at least {policy.dwell_minutes:g} at each"


def _count(policy: PromotionPolicy, state: RolloutState, found: CurrentFigures) -> tuple[Count, ...]:
    whole, step = found.whole, found.step
    if whole is None or step is None:
        return ()
    # after a promotion the figures compare the previous adapter with the one that is live now
    promoted = state.challenger is None and state.moved is not None and state.moved.action in {act.PROMOTE, act.RELEASE}
    first, second = ("previous", "live") if promoted else ("live", "candidate")
    if whole.compared or whole.drawn:
        return count_evidence(policy, whole, step, first, second)
    return (  # figures of before requests were drawn as evidence
        Count("Compared requests", f"{whole.requests:,}", f"{policy.min_requests:,}"),
        Count("Compared since the last move", f"{step.requests:,}", f"{policy.min_step_requests:,}"),
        Count(f"Answered by {second} since the last move", f"{step.answered:,}"),
        Count("Labelled requests", f"{whole.labelled:,}"),
        Count(f"Only {first} correct", f"{whole.only_incumbent:,}"),
        Count(f"Only {second} correct", f"{whole.only_challenger:,}"),
    )


def _say_budget(budget: ErrorBudget) -> str:
    return f"{budget.sentence}; no rollout enters: {budget.held}" if budget.held else budget.sentence


def _back(state: RolloutState) -> RollbackPreview | None:
    gone, target = state.challenger or state.live, state.refuge
    if gone is None or target is None:
        return None
    return RollbackPreview(target[:SHOWN], gone[:SHOWN], state.challenger is not None)
