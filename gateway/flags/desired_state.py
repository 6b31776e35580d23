"""Desired state: the flag file where it is based on the newest entry of the ledger, else the ledger itself.

A flag that is behind is a move that nobody finished; what the signed ledger says counts, and `finish_move` writes the
flag. Add here other reasons to reject a flag that is valid by itself; the conditions on its adapters are in
`gateway/serving/loading.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from gateway.flags.file_provider import FileProvider
from ratchet.core.errors import RatchetError
from ratchet.rollout import ledger_entry as act
from ratchet.rollout.flag import Rollout
from ratchet.rollout.ledger_entry import Entry, Head
from ratchet.rollout.state import RolloutState, state_after
from ratchet.storage.home import Home
from ratchet.storage.rollout.flag_file import FlagSet
from ratchet.workflows.rollout.reconcile import reconcile, rollout_of


@dataclass(frozen=True)
class DesiredState:
    """Contents of the flag file at one moment, or the error that it cannot be read."""

    flags: FlagSet = field(default_factory=FlagSet)
    fault: RatchetError | None = None

    def rollout(self, name: str, head: Head) -> Rollout | None:
        """Return the rollout of a classifier whose ledger ends with `head`; None if neither holds one.

        Raises `RatchetError` for a file that could not be read, and for a flag of another entry than the newest: an
        older entry was superseded, a newer one means that the ledger lost its end.
        """
        if self.fault is not None and (self.fault.code != "no_flags" or head != Head()):
            raise self.fault
        rollout = self.flags.rollouts.get(name)
        flagged = rollout.head if rollout else Head()
        if flagged != head:
            newest = f"{head.sequence}" if flagged.sequence != head.sequence else "another"
            raise RatchetError(
                f"the flag is based on entry {flagged.sequence} of the ledger, whose newest is {newest}.",
                f"A move was interrupted: 'ratchet advance {name}' finishes it first."
                if flagged.sequence < head.sequence
                else f"The ledger lost its end, or is another one: 'ratchet verify {name}' shows which.",
                code="stale_flag",
            )
        return rollout

    def kills(self, name: str) -> bool:
        """True where the kill switch of `name` is on: obeyed even if the rest of the file cannot be followed."""
        rollout = self.flags.rollouts.get(name)
        return rollout is not None and rollout.killed


def read_desired_state(file: FileProvider) -> DesiredState:
    """Read the flag file now."""
    try:
        return DesiredState(file.read())
    except RatchetError as error:
        return DesiredState(fault=error.with_traceback(None))


@dataclass(frozen=True)
class WantedRollout:
    """Rollout that a classifier is to serve; None to keep what it has. `fault` says why the flag does not count."""

    rollout: Rollout | None
    fault: RatchetError | None = None
    half_done: bool = False
    """True where the ledger holds a move whose flag was not written yet."""


def choose_rollout(
    home: Home, name: str, desired: DesiredState, entries: Sequence[Entry], before: Rollout | None
) -> WantedRollout:
    """Return the rollout of a classifier whose ledger holds `entries`, and which serves `before` now."""
    state = state_after(entries)
    try:
        rollout = desired.rollout(name, state.head)
        if rollout is None or rollout.killed or not state.killed:
            return WantedRollout(rollout)
        return WantedRollout(replace(rollout, killed=True), _revived(name, state.switched))
    except RatchetError as error:
        # its traceback would keep the callers' frames, and with them adapters that were replaced
        fault = error.with_traceback(None)
    flag = desired.flags.rollouts.get(name)
    flagged = flag.head if flag else Head()
    if desired.fault is None and _precedes(flagged, entries):
        killed = state.killed or (flag is not None and flag.killed and state.switched <= flagged.sequence)
        return WantedRollout(rollout_of(home, name, entries, killed=killed), fault, half_done=True)
    return WantedRollout(None, fault)


def _revived(name: str, sequence: int) -> RatchetError:
    return RatchetError(
        f"the flag's kill switch is off, but entry {sequence} of the ledger turned it on: live answers everyone.",
        f"Turn it off by an entry: ratchet kill {name} --off --why TEXT.",
        code="killed",
    )


def ledger_alone(home: Home, name: str, entries: Sequence[Entry], before: Rollout | None) -> Rollout | None:
    """Return live alone, by a ledger that went on since `before` was served, for a flag that cannot be followed.

    Whatever the file holds, it keeps nobody at an adapter that was rolled back. It cannot say whether a person killed
    the candidate, so only live answers. None where the ledger did not go on.
    """
    if before is None or not before.head.sequence or not _precedes(before.head, entries):
        return None
    return rollout_of(home, name, entries, killed=True)


def _precedes(head: Head, entries: Sequence[Entry]) -> bool:
    """Return True where the entries continue after `head`; the first entry alone continues after none."""
    if not head.sequence:
        return len(entries) == 1
    return head.sequence < len(entries) and entries[head.sequence - 1].digest == head.digest


def finish_move(home: Home, name: str) -> str:
    """Write the flag of a move whose writer ended before that; return the reason where this process cannot."""
    try:
        reconcile(home, name)
    except RatchetError as error:
        return error.message
    except OSError as error:
        return f"{home.flags.name} cannot be written here ({error.strerror})."
    return ""


def name_gap(state: RolloutState, served: Head) -> str:
    """Return the phrase for a ledger whose newest entry this gateway does not answer by; empty where it does."""
    moved = state.moved
    if served.sequence >= state.head.sequence or moved is None:
        return ""
    if served.sequence < moved.sequence and moved.action in {act.ROLLBACK, act.REJECT}:
        return f"rollback entered, not followed: entry {moved.sequence} lets {moved.adapter[:12]} answer."
    return f"entered, not followed: entry {state.head.sequence}."
