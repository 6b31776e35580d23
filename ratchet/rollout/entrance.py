"""Entrance of a candidate into the shadow slot by itself: which cycle's candidate is next, or why none is.

Add here a rule about who enters. That its evidence still holds is checked in `ratchet/workflows/rollout/nominate.py`;
how it climbs from there is decided in `decision.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ratchet.rollout.ledger_entry import PROMOTE, SHADOW, Entry
from ratchet.rollout.restart import adapters_to_enter_again
from ratchet.rollout.state import RolloutState


@dataclass(frozen=True)
class PassedCycle:
    """A cycle whose candidate every gate let pass."""

    week: str
    adapter: str


@dataclass(frozen=True)
class Entrance:
    """The cycle whose candidate enters now, or none, and the reason in either case."""

    reason: str
    cycle: PassedCycle | None = None
    waiting: PassedCycle | None = None
    """The cycle whose candidate waits for the one that is being compared."""


def choose_entrant(name: str, state: RolloutState, entries: Sequence[Entry], passed: Sequence[PassedCycle]) -> Entrance:
    """Choose the candidate that enters the shadow slot next, from receipts (`passed`) and ledger alone.

    A candidate that is being compared stays, shadow and watch included. Of the cycles that passed since the newest one
    entered, that of the newest week is next; those in between never are. An adapter that has entered once does not
    enter again by itself, whatever became of it, unless its comparison ended to begin again (`restart.py`).
    """
    entered = [entry for entry in entries if entry.action in {SHADOW, PROMOTE} and entry.receipts]
    adapters, newest = {entry.adapter for entry in entered}, max((entry.week for entry in entered), default="")
    # A week that ran again since counts as well: the newest week runs early, and once more on Monday.
    known = adapters - adapters_to_enter_again(entries)
    fresh = [cycle for cycle in passed if cycle.week >= newest and cycle.adapter not in known]
    next_one = max(fresh, key=lambda cycle: cycle.week, default=None)
    if state.live is None:
        return Entrance(f"nothing is live; promote the first by hand: ratchet promote {name} --why TEXT")
    if state.compared is not None:
        waits = f"; {next_one.adapter[:12]} of {next_one.week} waits" if next_one else ""
        return Entrance(f"{state.compared[1][:12]} is being compared{waits}", waiting=next_one)
    if next_one is None:
        return Entrance(f"no cycle has passed since the candidate of {newest or 'the first week'} entered")
    return Entrance(f"{next_one.adapter[:12]} of {next_one.week} is next", next_one)
