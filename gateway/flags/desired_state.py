"""Desired state in the flag file; it is followed only if it is based on the newest entry of the ledger.

Add here other reasons to reject a flag that is valid by itself; the conditions on its adapters are in
`gateway/serving/slots.py`.
"""

from dataclasses import dataclass, field

from gateway.flags.file_provider import FileProvider
from ratchet.core.errors import RatchetError
from ratchet.rollout.flag import Rollout
from ratchet.rollout.ledger_entry import Head
from ratchet.storage.rollout.flag_file import FlagSet


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
        return DesiredState(fault=error)
