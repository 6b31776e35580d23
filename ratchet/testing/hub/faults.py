"""Faults between a client and the local Hub, one for each request.

Add a kind of fault here, and its effect in `server.py`.
"""

from dataclasses import dataclass, field
from typing import Literal

Operation = Literal[
    "create", "info", "tree", "refs", "commits", "preupload", "large", "commit", "tag", "settings", "resolve", "yaml"
]


@dataclass(frozen=True)
class Fault:
    """Fault of the next request for `operation`, after `skip` of them without a fault; it occurs once.

    `refuse`: nothing is done, the response is `status`. `lose`: the request is done, but the response is `status`.
    `hang`: it is done, and no response comes. `drop`: it is done, and the connection ends. `cut`: only half of the body
    is read, nothing is done and the connection ends. `halve`: only the first half of a commit's files is taken, and the
    response is `status`; of a download only half of the bytes come. `overtake`: somebody else commits first.
    """

    operation: Operation
    kind: Literal["refuse", "lose", "hang", "drop", "cut", "halve", "overtake"]
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    skip: int = 0


@dataclass
class FaultPlan:
    """Faults that are planted, and those that occurred."""

    waiting: list[Fault] = field(default_factory=list)
    met: list[Fault] = field(default_factory=list)

    def next(self, operation: str) -> Fault | None:
        """Take the fault of this request; None for no fault."""
        for number, fault in enumerate(self.waiting):
            if fault.operation != operation:
                continue
            if fault.skip:
                self.waiting[number] = Fault(fault.operation, fault.kind, fault.status, fault.headers, fault.skip - 1)
                return None
            self.met.append(self.waiting.pop(number))
            return fault
        return None
