"""The ladder of a rollout: from shadow through the steps to released, and where on it the rollout stands.

Add here a rung or a place on one. Which step comes next is decided in `ratchet/rollout/decision.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ratchet.config.policy import PromotionPolicy
from ratchet.rollout import ledger_entry as act
from ratchet.rollout.ledger_entry import Entry
from ratchet.rollout.state import RolloutState, state_after

RungState = Literal["done", "now", "ahead", "taken back"]
MARKS: dict[RungState, str] = {"done": "✓", "now": "●", "ahead": "○", "taken back": "✕"}


@dataclass(frozen=True)
class Rung:
    """One rung, by the name that people read, and where the rollout is with it."""

    name: str
    place: RungState

    @property
    def mark(self) -> str:
        """The sign beside the word, so that colour is never alone."""
        return MARKS[self.place]


def build_ladder(policy: PromotionPolicy, entries: Sequence[Entry], state: RolloutState) -> tuple[Rung, ...]:
    """The rungs, lowest first. After a challenger was taken back its ladder is shown as far as it had come."""
    moved = state.moved
    back = moved is not None and state.compared is None and moved.action in {act.ROLLBACK, act.REJECT}
    climbed = state_after(entries[: moved.sequence - 1]) if moved is not None and back else state
    percents = sorted({*policy.steps, climbed.percent} - {0})
    names = ["Shadow", *(f"{percent} %" for percent in percents), "Released"]
    at = _rung_of(climbed, percents)
    place: RungState = "taken back" if back else "now"
    return tuple(Rung(name, "done" if n < at else place if n == at else "ahead") for n, name in enumerate(names))


def _rung_of(state: RolloutState, percents: list[int]) -> int:
    if state.live is None:
        return -1
    if state.challenger is not None:
        return percents.index(state.percent) + 1 if state.percent else 0
    return len(percents) if state.watched_by is not None else len(percents) + 1
