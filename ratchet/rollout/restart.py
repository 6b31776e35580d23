"""Restart of a comparison that began before its requests were drawn as evidence: it ends, and begins again.

Add here another reason why a comparison must begin again; the entry that ends it is written by
`ratchet/workflows/rollout/advance.py`, and the candidate enters again by `entrance.py`.
"""

from collections.abc import Sequence
from dataclasses import replace

from ratchet.rollout import ledger_entry as act
from ratchet.rollout.decision import Decision
from ratchet.rollout.ledger_entry import Entry
from ratchet.rollout.state import RolloutState

BEGINS_AGAIN = "begins_again"
"""Key of an entry's evidence that lets its candidate enter once more by itself."""
_WHY = "it began before its requests were drawn as evidence"


def restart_former(state: RolloutState, decision: Decision) -> Decision:
    """Return the decision that ends a comparison of before; `decision` itself where none is running, a broken guardrail
    moves it, or a person stopped it."""
    former = state.compared is not None and state.entered is not None and not state.entered.stream
    if not former or state.held or any(each.status == "broken" for each in decision.guardrails):
        return decision
    if state.challenger is None:
        released = f"Released: {_WHY}, and so nothing more can be shown"
        return replace(decision, action=act.RELEASE, sentence=released, percent=0, adapter=str(state.live), gone="")
    figures = {**decision.figures, BEGINS_AGAIN: True}
    return replace(
        decision, action=act.EXPIRE, sentence=f"Expired: {_WHY}; it begins again", percent=0, figures=figures,
        adapter=str(state.live), gone=state.challenger,
    )  # fmt: skip


def adapters_to_enter_again(entries: Sequence[Entry]) -> frozenset[str]:
    """Return the adapters whose comparison ended only to begin again, and has not begun yet."""
    found: set[str] = set()
    for entry in entries:
        if entry.evidence.get(BEGINS_AGAIN):
            found.add(str(entry.previous_adapter))
        elif entry.action in {act.SHADOW, act.PROMOTE}:
            found.discard(entry.adapter)
    return frozenset(found)
