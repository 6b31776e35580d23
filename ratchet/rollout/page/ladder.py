"""The ladder of a rollout: the rungs from shadow through the steps to released, and the rung that it is on.

Add a rung, or a state of one, here. The next step is decided in `ratchet/rollout/decision.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ratchet.config.policy import PromotionPolicy
from ratchet.rollout import ledger_entry as act
from ratchet.rollout.ledger_entry import Entry
from ratchet.rollout.state import RolloutState, state_after

RungState = Literal["done", "now", "ahead", "rolled back", "skipped"]
MARKS: dict[RungState, str] = {"done": "✓", "now": "●", "ahead": "○", "rolled back": "✕", "skipped": "-"}


@dataclass(frozen=True)
class Rung:
    """One rung: its name on the page, and its state."""

    name: str
    place: RungState

    @property
    def mark(self) -> str:
        """The sign beside the word, so that colour is never alone."""
        return MARKS[self.place]


def build_ladder(policy: PromotionPolicy, entries: Sequence[Entry], state: RolloutState) -> tuple[Rung, ...]:
    """Return the rungs, lowest first. After a rollback they show how far the candidate had come.

    A rung below that no entry names, as after a promotion by hand, was skipped.
    """
    moved = state.moved
    back = moved is not None and state.compared is None and moved.action in {act.ROLLBACK, act.REJECT}
    climbed = state_after(entries[: moved.sequence - 1]) if moved is not None and back else state
    percents = sorted({*policy.steps, climbed.percent} - {0})
    names = ["Shadow", *(f"{percent} %" for percent in percents), "Released"]
    at = _rung_of(climbed, percents)
    place: RungState = "rolled back" if back else "now"
    taken = _rungs_taken(entries, climbed)
    below: list[RungState] = ["done" if name in taken else "skipped" for name in names]
    return tuple(Rung(name, below[n] if n < at else place if n == at else "ahead") for n, name in enumerate(names))


def _rungs_taken(entries: Sequence[Entry], state: RolloutState) -> set[str]:
    """Return the names of the rungs that entries put the candidate on, or live where there is none."""
    shown, taken = state.challenger or state.live, set[str]()
    for entry in entries[: state.head.sequence]:
        if entry.adapter != shown:
            continue
        if entry.action == act.SHADOW:
            taken = {"Shadow"}
        elif entry.action in {act.STEP, act.PROMOTE}:
            taken.add(f"{entry.percent} %" if entry.action == act.STEP else "100 %")
    return taken


def _rung_of(state: RolloutState, percents: list[int]) -> int:
    if state.live is None:
        return -1
    if state.challenger is not None:
        return percents.index(state.percent) + 1 if state.percent else 0
    return len(percents) if state.watched_by is not None else len(percents) + 1
