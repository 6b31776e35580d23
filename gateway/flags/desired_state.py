"""What the flag file asks for, and whether it may be followed: only when it follows from the newest entry of the
ledger.

Add here other reasons to refuse a flag that is valid by itself; what must be true of its adapters is
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
    """One look at the file: what it holds, or why it cannot be read."""

    flags: FlagSet = field(default_factory=FlagSet)
    fault: RatchetError | None = None

    def rollout(self, name: str, head: Head) -> Rollout | None:
        """What it asks of a classifier whose ledger ends with `head`; None when neither knows of any.

        Raises `RatchetError` for a file that could not be read, and for a flag of another entry than the newest: an
        older one was overtaken, a newer one means that the ledger lost its end.
        """
        if self.fault is not None and (self.fault.code != "no_flags" or head != Head()):
            raise self.fault
        rollout = self.flags.rollouts.get(name)
        flagged = rollout.head if rollout else Head()
        if flagged != head:
            newest = f"{head.sequence}" if flagged.sequence != head.sequence else "another"
            raise RatchetError(
                f"the flag follows from entry {flagged.sequence} of the ledger, whose newest is {newest}.",
                f"A move was cut short: 'ratchet advance {name}' finishes it first."
                if flagged.sequence < head.sequence
                else f"The ledger lost its end, or is another one: 'ratchet verify {name}' says which.",
                code="stale_flag",
            )
        return rollout

    def kills(self, name: str) -> bool:
        """Whether the file says that everyone gets live: obeyed also where the rest cannot be followed."""
        rollout = self.flags.rollouts.get(name)
        return rollout is not None and rollout.killed


def read_desired_state(file: FileProvider) -> DesiredState:
    """Look at the file now."""
    try:
        return DesiredState(file.read())
    except RatchetError as error:
        return DesiredState(fault=error)
