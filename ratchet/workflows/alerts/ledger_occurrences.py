"""Occurrences of the ledger: promoted, a step, rolled back, ended without a promotion, held for long.

Add here an action of the ledger that people are alerted of. An id is the entry's number and digest: it is the same
however often the ledger is read.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from ratchet.config.alerts import Alerts
from ratchet.rollout import ledger_entry as act
from ratchet.rollout.ledger_entry import Entry
from ratchet.rollout.state import state_after
from ratchet.storage.links import Links
from ratchet.workflows.adapter_names import AdapterNames
from ratchet.workflows.alerts.occurrence import Occurrence, make_line, read_time

_EVENTS = {
    act.SHADOW: "step", act.STEP: "step", act.UNKILL: "step", act.PROMOTE: "promoted", act.REJECT: "expired",
    act.EXPIRE: "expired", act.ROLLBACK: "rolled_back", act.KILL: "rolled_back",
}  # fmt: skip


def list_moves(name: str, entries: Sequence[Entry], names: AdapterNames, links: Links) -> Iterator[Occurrence]:
    """Yield an occurrence for each entry that moves traffic or ends a rollout."""
    for entry in entries:
        if event := _EVENTS.get(entry.action):
            line = make_line(name, _say(entry, names))
            yield Occurrence(_id(name, entry), event, name, entry.ts, line, links.rollout(name))


def find_held(name: str, entries: Sequence[Entry], alerts: Alerts, links: Links, now: datetime) -> Iterator[Occurrence]:
    """Yield the hold that has lasted for `held_hours`, if one has."""
    held = next((each for each in reversed(entries) if each.action == act.HOLD), None)
    if held is None or not state_after(entries).held or now - read_time(held.ts) < timedelta(hours=alerts.held_hours):
        return
    line = make_line(name, f"held since {held.ts[:16].replace('T', ' ')} by {held.actor}: {held.why}")
    yield Occurrence(f"{_id(name, held)}:held", "held", name, held.ts, line, links.rollout(name), past=False)


def _id(name: str, entry: Entry) -> str:
    return f"{name}:ledger:{entry.sequence}:{entry.digest[:8]}"


def _say(entry: Entry, names: AdapterNames) -> str:
    adapter, gone = names.of(entry.adapter).short, names.of(entry.previous_adapter or "").short
    why = entry.why.split(": ", 1)[1] if entry.why.startswith(_OPENINGS) and ": " in entry.why else entry.why
    match entry.action:
        case act.SHADOW:
            return f"{adapter} shadows live: {why}"
        case act.STEP:
            return f"{adapter} answers {entry.percent} % of users: {why}"
        case act.PROMOTE:
            return f"{adapter} is live: {why}"
        case act.ROLLBACK:
            return f"rolled back {gone}, {adapter} answers: {why}"
        case act.KILL:
            return f"kill switch on, {adapter} answers everyone: {why}"
        case act.UNKILL:
            return f"kill switch off: {why}"
    return f"rollout of {gone} ended ({'rejected' if entry.action == act.REJECT else 'expired'}): {why}"


_OPENINGS = ("Rolled back: ", "Rejected: ", "Expired: ", "Promoted: ", "Step ", "Released: ")
"""Beginnings of a decision's sentence that say again what the line says."""
