"""Quarantine: weeks whose rows a gate of the data blocked, which neither train, calibrate nor judge until released.

Add here rules about which weeks are held. The signed file is `ratchet/storage/rollout/quarantine.py`; the gates that
hold a week are in their own modules.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

from ratchet.core.digests import digest_json
from ratchet.core.verdict import Verdict

HOLDING_GATES = ("row_quality", "label_agreement", "golden_agreement")
"""Gates that judge the rows and labels of a week: what they block is quarantined."""

HOLD, RELEASE, UNQUARANTINE = "hold", "release", "unquarantine"
"""A gate failed on a week; a gate that held it passed; a person let it be used all the same."""
ACTIONS = (HOLD, RELEASE, UNQUARANTINE)


@dataclass(frozen=True)
class QuarantineEntry:
    """One line of the quarantine's file."""

    sequence: int
    ts: str
    """RFC 3339, UTC: for people; the order is that of `sequence`."""
    actor: str
    action: str
    """One of `ACTIONS`."""
    week: str
    gate: str
    why: str
    """The verdict's reason, or the one that a person gave."""
    rows: str
    """Digest of what the gate judged; a person's word covers these rows and no others."""
    previous: str
    """Digest of the line before."""

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the line; it is signed, and the next line repeats it as `previous`."""
        return digest_json({each.name: getattr(self, each.name) for each in fields(self)})


@dataclass(frozen=True)
class Hold:
    """Reason why a week is held: the gate, its words, and the rows that it judged."""

    gate: str
    why: str
    rows: str


@dataclass(frozen=True)
class QuarantineState:
    """Weeks that are held, each with its reasons by gate, and what a person let through."""

    held: Mapping[str, Mapping[str, Hold]] = field(default_factory=dict)
    accepted: frozenset[tuple[str, str, str]] = frozenset()
    """Week, gate and rows that a person let through."""
    known: frozenset[tuple[str, str]] = frozenset()
    """Week and gate of every line: for others an older home's receipts are asked."""

    @property
    def weeks(self) -> tuple[str, ...]:
        """The weeks that are held, oldest first."""
        return tuple(sorted(self.held))

    def describe(self) -> dict[str, str]:
        """Return each held week with its gates and their reasons, as JSON types."""
        return {week: "; ".join(f"{hold.gate}: {hold.why}" for hold in self.held[week].values()) for week in self.weeks}


def quarantine_after(entries: Iterable[QuarantineEntry]) -> QuarantineState:
    """Return the state after `entries`."""
    held: dict[str, dict[str, Hold]] = {}
    accepted, known = set[tuple[str, str, str]](), set[tuple[str, str]]()
    for entry in entries:
        known.add((entry.week, entry.gate))
        if entry.action == HOLD:
            held.setdefault(entry.week, {})[entry.gate] = Hold(entry.gate, entry.why, entry.rows)
            continue
        if entry.action == UNQUARANTINE:
            accepted.add((entry.week, entry.gate, entry.rows))
        held.get(entry.week, {}).pop(entry.gate, None)
    return QuarantineState(
        {week: gates for week, gates in held.items() if gates}, frozenset(accepted), frozenset(known)
    )


def next_action(state: QuarantineState, week: str, gate: str, verdict: Verdict, rows: str) -> str:
    """Return the action that a verdict asks for, '' where it changes nothing.

    A failed gate holds the week, unless a person let these very rows through; a gate that passes or only warns releases
    what it held; one without a verdict changes nothing, so a held week stays held.
    """
    hold = state.held.get(week, {}).get(gate)
    if verdict.outcome == "failed":
        stands = hold is not None and hold.rows == rows
        return "" if stands or (week, gate, rows) in state.accepted else HOLD
    return RELEASE if verdict.outcome in {"passed", "warned"} and hold is not None else ""


FailedReceipt = tuple[str, str, str, Mapping[str, Any]]
"""Week, gate, reason and digests of a receipt that failed."""


def with_older_receipts(state: QuarantineState, failed: Iterable[FailedReceipt]) -> QuarantineState:
    """Add the holds of a home that has no line about them yet."""
    held = {week: dict(gates) for week, gates in state.held.items()}
    for week, gate, why, binds in failed:
        if gate in HOLDING_GATES and (week, gate) not in state.known:
            held.setdefault(week, {})[gate] = Hold(gate, why, str(binds.get("rows", "")))
    return QuarantineState(held, state.accepted, state.known)
