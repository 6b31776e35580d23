"""Fate of a candidate: what the ledger says became of it after its cycle.

Add here another end that a candidate can come to; entries are described in `ratchet/rollout/ledger_entry.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ratchet.rollout import ledger_entry as act
from ratchet.rollout.ledger_entry import Entry
from ratchet.rollout.state import RolloutState, state_after

Word = Literal["live", "promoted", "rolled back", "rejected", "expired", "compared", "not entered", "none"]
_LEFT: dict[str, Word] = {act.REJECT: "rejected", act.EXPIRE: "expired", act.ROLLBACK: "rolled back"}


@dataclass(frozen=True)
class Fate:
    """End of a candidate so far, in one word, with the entry's time and reason where there is one."""

    word: Word
    ts: str = ""
    why: str = ""

    @property
    def sentence(self) -> str:
        """The fate in words."""
        plain = {
            "live": "is live",
            "promoted": "was live for a time, promoted",
            "compared": "is being compared",
            "not entered": "never entered a rollout",
            "none": "no candidate",
        }
        words = plain.get(self.word, f"was {self.word}")
        if not self.ts or self.word == "compared":
            return words
        return f"{words} {'since' if self.word == 'live' else 'on'} {self.ts[:10]}"


def find_fate(entries: Sequence[Entry], adapter: str, state: RolloutState | None = None) -> Fate:
    """Return what became of `adapter`; `state` is that after all entries, where the caller has it."""
    if not adapter:
        return Fate("none")
    fate = Fate("not entered")
    for entry in entries:
        if entry.action == act.PROMOTE and entry.adapter == adapter:
            fate = Fate("promoted", entry.ts, entry.why)
        elif entry.action in _LEFT and entry.previous_adapter == adapter:
            fate = Fate(_LEFT[entry.action], entry.ts, entry.why)
        elif entry.action in {act.SHADOW, act.STEP} and entry.adapter == adapter:
            fate = Fate("compared", entry.ts, entry.why)
    state = state or state_after(entries)
    if state.live == adapter:
        return Fate("live", fate.ts, fate.why)
    if fate.word == "compared" and state.challenger != adapter:  # a newer candidate took its place
        return Fate("expired", fate.ts, fate.why)
    return fate
