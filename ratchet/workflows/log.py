"""`ratchet log`: one list of every change of keys, policy, quarantine, people, labels and rollout, and of readers.

Add here another file that records who changed what. Each line stays in its own file, which its own room writes.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from heapq import merge
from typing import Any, Literal

from ratchet.core.errors import RatchetError
from ratchet.rollout import ledger_entry as act
from ratchet.rollout.error_budget import is_override
from ratchet.rollout.ledger_entry import Entry
from ratchet.rollout.state import RolloutState, apply_entry
from ratchet.storage.home import Home
from ratchet.storage.keys.api_keys import Keys
from ratchet.storage.keys.keys_log import KeysLog, names_without_entry
from ratchet.storage.review.label_rules import LabelRuleFile
from ratchet.storage.review.read_log import ReadLog, count_by_day
from ratchet.storage.review.suspensions import Suspensions
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.rollout.quarantine import Quarantine

Kind = Literal["keys", "policy", "quarantine", "people", "labels", "kill", "rollout", "reads"]
OVERRIDE = "an override: evidence did not prove it"
KINDS: tuple[Kind, ...] = ("keys", "policy", "quarantine", "people", "labels", "kill", "rollout", "reads")


@dataclass(frozen=True)
class AuditEntry:
    """One change: its time, kind and event, who made it, what it changed, and why."""

    ts: str
    kind: Kind
    event: str
    actor: str
    what: str
    why: str
    signed: bool
    """True where the line is signed with the home's key, and was verified."""
    sequence: int | None = None
    """Number of the line in its own file."""

    def as_json(self) -> dict[str, Any]:
        """Return JSON types."""
        return asdict(self)


@dataclass(frozen=True)
class AuditLog:
    """Every change of one classifier and of the home's keys, oldest first, and the files that cannot be believed."""

    entries: tuple[AuditEntry, ...]
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def read_log(home: Home, name: str, kinds: Sequence[str] = ()) -> AuditLog:
    """Read every file that records changes; one that is broken is a fault, and the others are read all the same.

    Changes are in the order of their times, and within a file in the order in which they were written.
    """
    readers: dict[str, Callable[[], Iterable[AuditEntry]]] = {
        "ledger": lambda: _read_ledger(Ledger(home).entries(name)),
        "quarantine": lambda: _read_quarantine(home, name),
        "people": lambda: _read_suspensions(home, name),
        "labels": lambda: _read_label_rules(home, name),
        "keys": lambda: _read_keys(home),
        "reads": lambda: _read_readings(home, name),
    }
    found, faults = [], []
    for read in readers.values():
        try:
            found.append(list(_with_order(read())))
        except RatchetError as error:
            faults.append(error.message)
        except OSError as error:
            faults.append(f"{error.filename} cannot be read ({error.strerror}).")
    entries = (entry for _, entry in merge(*found, key=lambda pair: pair[0]))
    wanted = tuple(entry for entry in entries if not kinds or entry.kind in kinds)
    return AuditLog(wanted, tuple(faults), tuple(_note_keys(home)) if not kinds or "keys" in kinds else ())


def _with_order(entries: Iterable[AuditEntry]) -> Iterator[tuple[datetime, AuditEntry]]:
    """Give each entry the latest time so far: a clock that was set back does not change the order of a file."""
    latest = datetime.min.replace(tzinfo=UTC)
    for entry in entries:
        latest = max(latest, _time_of(entry.ts))
        yield latest, entry


def _time_of(ts: str) -> datetime:
    try:
        result = datetime.fromisoformat(ts)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return result if result.tzinfo else result.replace(tzinfo=UTC)


def _read_ledger(entries: Sequence[Entry]) -> Iterator[AuditEntry]:
    state = RolloutState()
    for entry in entries:
        found = _of_entry(entry)
        yield replace(found, what=f"{found.what}, {OVERRIDE}") if is_override(state, entry) else found
        state = apply_entry(state, entry)


def _of_entry(entry: Entry) -> AuditEntry:
    kinds: dict[str, Kind] = {act.POLICY: "policy", act.KILL: "kill", act.UNKILL: "kill", act.GATE_KEY: "keys"}
    what = f"adapter {entry.adapter[:12]}"
    if entry.action == act.POLICY:
        changed = [str(each.get("setting")) for each in entry.evidence.get("differences", ())]
        what = ", ".join(changed) or "the whole policy"
    elif entry.action == act.GATE_KEY:
        what = f"gate key {entry.gate_key[:12]}, which signs receipts"
    elif entry.percent:
        what += f" to {entry.percent} %"
    elif entry.action in {act.ROLLBACK, act.REJECT} and entry.previous_adapter:
        what = f"adapter {entry.previous_adapter[:12]}, for {entry.adapter[:12]}"
    kind = kinds.get(entry.action, "rollout")
    return AuditEntry(entry.ts, kind, entry.action, entry.actor, what, entry.why, signed=True, sequence=entry.sequence)


def _read_quarantine(home: Home, name: str) -> list[AuditEntry]:
    return [
        AuditEntry(
            each.ts,
            "quarantine",
            each.action,
            each.actor,
            f"week {each.week}, {each.gate}",
            each.why,
            True,
            each.sequence,
        )
        for each in Quarantine(home).entries(name)
    ]


def _read_label_rules(home: Home, name: str) -> list[AuditEntry]:
    return [
        AuditEntry(
            rule.at.isoformat(timespec="seconds"), "labels", rule.action, rule.actor, rule.sentence, rule.why, True,
            rule.sequence,
        )
        for rule in LabelRuleFile(home, name).read().rules
    ]  # fmt: skip


def _read_suspensions(home: Home, name: str) -> list[AuditEntry]:
    return [
        AuditEntry(each.ts, "people", each.action, each.actor, each.person, each.why, True, each.sequence)
        for each in Suspensions(home, name).entries()
    ]


def _read_keys(home: Home) -> list[AuditEntry]:
    return [
        AuditEntry(
            each.ts,
            "keys",
            each.event,
            each.actor,
            each.describe(),
            "",
            signed=False,
            sequence=number,
        )
        for number, each in enumerate(KeysLog(home.keys).read(), start=1)
    ]


def _read_readings(home: Home, name: str) -> list[AuditEntry]:
    """Return who read texts at the gateway: one entry a day for each key and page, since each text is a line."""
    return [
        AuditEntry(
            each.ts,
            "reads",
            "read",
            f"key {each.key}" if each.key else each.person,
            f"{number} text{'' if number == 1 else 's'} on {each.ts[:10]} at /{each.page}/{name}, as {each.person}",
            "",
            signed=False,
        )
        for each, number in count_by_day(ReadLog(home, name).read())
    ]


def _note_keys(home: Home) -> Iterator[str]:
    """Name keys that exist although no line says who made them: made before the history, or by an edit of the file."""
    try:
        changes = KeysLog(home.keys).read()
        names = names_without_entry([key.name for key in Keys(home.keys).read()], changes)
    except RatchetError:
        return  # a fault of its own
    for each in names:
        yield f"key {each} is in keys.json, but no line says who made it: older than the history, or edited by hand"
