"""What may go wrong between a client and the local Hub, one fault for one request.

Add a way of failing here, and what it does in `server.py`.
"""

from dataclasses import dataclass, field
from typing import Literal

Operation = Literal[
    "create", "info", "tree", "refs", "commits", "preupload", "large", "commit", "tag", "settings", "resolve", "yaml"
]


@dataclass(frozen=True)
class Fault:
    """The next request for `operation`, after `skip` of them that go well, fails once in one way.

    `refuse`: nothing is done, the answer is `status`. `lose`: it is done, and the answer is `status` nevertheless.
    `hang`: it is done, and no answer comes. `drop`: it is done, and the connection ends. `cut`: only half of what was
    sent is read, nothing is done and the connection ends. `halve`: of a commit only the first half of the files is
    taken, and the answer is `status`; of a download only half of the bytes come. `overtake`: somebody else commits
    first.
    """

    operation: Operation
    kind: Literal["refuse", "lose", "hang", "drop", "cut", "halve", "overtake"]
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    skip: int = 0


@dataclass
class FaultPlan:
    """Faults that are still to come."""

    waiting: list[Fault] = field(default_factory=list)
    met: list[Fault] = field(default_factory=list)

    def next(self, operation: str) -> Fault | None:
        """The fault that this request meets, if any."""
        for number, fault in enumerate(self.waiting):
            if fault.operation != operation:
                continue
            if fault.skip:
                self.waiting[number] = Fault(fault.operation, fault.kind, fault.status, fault.headers, fault.skip - 1)
                return None
            self.met.append(self.waiting.pop(number))
            return fault
        return None
