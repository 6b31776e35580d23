"""Marks of the weeks: what was promoted, rolled back, rejected or blocked, when and why.

Add here another event that belongs to a week's candidate. Entries are described in `ratchet/rollout/ledger_entry.py`,
blocks in `ratchet/workflows/gate_record.py`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ratchet.rollout import ledger_entry as act
from ratchet.rollout.ledger_entry import Entry
from ratchet.workflows.gate_record import Block
from ratchet.workflows.history.week_verdict import make_line

MARKS = {
    act.PROMOTE: "promoted",
    act.ROLLBACK: "rolled_back",
    act.REJECT: "rejected",
    act.EXPIRE: "expired",
}
BLOCKED = "blocked"
Event = dict[str, Any]


def list_events(entries: Sequence[Entry], blocks: Sequence[Block], made: Mapping[str, str]) -> dict[str, list[Event]]:
    """Return the events of each week, oldest first. They stand in the week whose candidate they are about.

    `made` holds the candidate of each week, for entries of which no entrance names the week.
    """
    weeks = {adapter: week for week, adapter in made.items()}
    found: dict[str, list[Event]] = {}
    for entry in entries:
        if entry.adapter and entry.week and entry.action in {act.SHADOW, act.PROMOTE, act.STEP}:
            weeks[entry.adapter] = entry.week
        if (mark := MARKS.get(entry.action)) is None:
            continue
        moved = entry.adapter if entry.action == act.PROMOTE else (entry.previous_adapter or "")
        week = weeks.get(moved) or entry.week
        if week:
            found.setdefault(week, []).append(
                {"mark": mark, "at": entry.ts, "adapter": moved, "by": entry.actor, "reason": make_line(entry.why)}
            )
    for block in blocks:
        event = {"mark": BLOCKED, "at": block.at, "adapter": "", "by": block.gate, "reason": make_line(block.reason)}
        found.setdefault(block.week, []).append(event)
    return {week: sorted(events, key=lambda event: event["at"]) for week, events in found.items()}
