"""One entry of the ledger: who moved which adapter from where to where, when and why, on which evidence.

Add a fact that history must keep here. What a sequence of entries amounts to is `state.py`, the file
`ratchet/storage/rollout/ledger.py`.
"""

from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

from ratchet.core.digests import digest_json

GENESIS = "0" * 64


@dataclass(frozen=True)
class Head:
    """Number and digest of the newest entry; 0 and 64 zeros before the first."""

    sequence: int = 0
    digest: str = GENESIS

    def __post_init__(self) -> None:
        if not isinstance(self.sequence, int) or isinstance(self.sequence, bool) or self.sequence < 0:
            raise ValueError(f"sequence {self.sequence!r} is no count")
        if not isinstance(self.digest, str):
            raise TypeError(f"digest {self.digest!r} is no text")


SHADOW, STEP, PROMOTE, RELEASE = "shadow", "step", "promote", "release"
REJECT, EXPIRE, ROLLBACK, HOLD, RESUME = "reject", "expire", "rollback", "hold", "resume"
ACTIONS = (SHADOW, STEP, PROMOTE, RELEASE, REJECT, EXPIRE, ROLLBACK, HOLD, RESUME)


@dataclass(frozen=True)
class Entry:
    """One decision that was carried out."""

    sequence: int
    ts: str
    """RFC 3339, UTC: for people; what counts is the sequence."""
    actor: str
    action: str
    """One of `ACTIONS`."""
    why: str
    """The decision's sentence, or what a person said."""
    previous_adapter: str | None
    """What `adapter` takes over from: the live one before, or the one that was taken away."""
    adapter: str
    """What is moved; for `reject`, `expire` and `rollback` the one that answers from now on."""
    week: str
    receipts: dict[str, str]
    """Digest of each gate's receipt, where an adapter enters."""
    previous: str
    """Digest of the entry before."""
    percent: int = 0
    """Of users, for `step`."""
    key: str = ""
    """Names the decision: a second entry of the same key is never written."""
    evidence: dict[str, Any] = field(default_factory=dict)
    """The figures that the decision was taken from."""

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the entry, which is signed, and which the next one repeats as `previous`."""
        return digest_json({each.name: getattr(self, each.name) for each in fields(self)})  # asdict would copy it all
