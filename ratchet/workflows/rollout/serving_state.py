"""Serving state: what answers now, beside what the newest ledger entry asks for, for every screen that shows a rollout.

A screen compares with the newest entry, never with the one that the flag names. Add here another place that can lag
behind the ledger.
"""

from dataclasses import dataclass
from typing import Any

from ratchet.core.errors import RatchetError
from ratchet.rollout import ledger_entry as act
from ratchet.rollout.state import RolloutState
from ratchet.storage.home import Home
from ratchet.storage.rollout.flag_file import Flags
from ratchet.workflows.rollout.followers import Followers, find_followers


@dataclass(frozen=True)
class ServingState:
    """The newest entry, the entry that the flag follows from, and the gateways that run; `gap` says what lags."""

    sequence: int
    flag: int | None
    """None for a flag that is missing or cannot be read."""
    followers: Followers
    killed: bool
    gap: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return JSON types."""
        return {
            "entry": self.sequence,
            "flag_entry": self.flag,
            "killed": self.killed,
            "gateways": self.followers.as_json(),
            "gap": self.gap,
        }


def compare_serving(home: Home, classifier: str, state: RolloutState) -> ServingState:
    """Compare flag and running gateways with the newest entry; nothing lags before the first one."""
    followers = find_followers(home, classifier, state.head)
    rollout, fault = None, ""
    try:
        rollout = Flags(home).read().rollouts.get(classifier)
    except RatchetError as error:
        fault = error.message
    gaps: list[str] = []
    if state.live is not None and (rollout is None or rollout.head != state.head):
        behind = fault or (f"it follows from entry {rollout.head.sequence}" if rollout else "it has no flag")
        gaps.append(
            f"entry {state.head.sequence} is not in flags.json ({behind.rstrip('.')}); 'ratchet advance {classifier}'"
            " writes it"
        )
    if state.live is not None and followers.late:
        moved = state.moved
        withdrawn = moved is not None and moved.action in {act.ROLLBACK, act.REJECT}
        gaps.append(f"{'rollback entered, not followed' if withdrawn else 'not followed'}: {followers.sentence}")
    killed = state.killed or (rollout is not None and rollout.killed)
    return ServingState(
        state.head.sequence, rollout.head.sequence if rollout else None, followers, killed, "; ".join(gaps)
    )
