"""One entry of the ledger: the adapter that was moved, by whom, when, why and on which evidence.

Add here a fact that the history must keep. The state after a sequence of entries is `state.py`, the file
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
            raise ValueError(f"sequence {self.sequence!r} is not a count")
        if not isinstance(self.digest, str):
            raise TypeError(f"digest {self.digest!r} is not a text")


SHADOW, STEP, PROMOTE, RELEASE = "shadow", "step", "promote", "release"
REJECT, EXPIRE, ROLLBACK, HOLD, RESUME = "reject", "expire", "rollback", "hold", "resume"
KILL, UNKILL, POLICY, GATE_KEY = "kill", "unkill", "policy", "gate_key"
ACTIONS = (SHADOW, STEP, PROMOTE, RELEASE, REJECT, EXPIRE, ROLLBACK, HOLD, RESUME, KILL, UNKILL, POLICY, GATE_KEY)
_ADDED = ("policy", "bucketing", "stream", "gate_key")
"""Fields that came later: an entry without them keeps the digest that it had."""


@dataclass(frozen=True)
class Entry:
    """One decision that was carried out."""

    sequence: int
    ts: str
    """RFC 3339, UTC: for people; the order is that of `sequence`."""
    actor: str
    action: str
    """One of `ACTIONS`."""
    why: str
    """The decision's sentence, or the reason that a person gave."""
    previous_adapter: str | None
    """Adapter that `adapter` takes over from: the one that was live before, or the one that was removed."""
    adapter: str
    """Adapter that is moved; for `reject`, `expire` and `rollback` the one that answers from now on."""
    week: str
    receipts: dict[str, str]
    """Digest of each gate's receipt; only in entries by which an adapter enters."""
    previous: str
    """Digest of the previous entry."""
    percent: int = 0
    """Percent of users, for `step`."""
    key: str = ""
    """Name of the decision: a second entry with the same key is never written."""
    evidence: dict[str, Any] = field(default_factory=dict)
    """The figures on which the decision was made."""
    policy: dict[str, Any] = field(default_factory=dict)
    """Sealed policy (`ratchet/rollout/sealed_policy.py`); only in entries of `promote` and `policy`, and in one of
    `shadow` whose candidate has a new label."""
    bucketing: str = ""
    """Hashing of the rollout that begins with this entry of `shadow`; entries of before name none."""
    stream: dict[str, Any] = field(default_factory=dict)
    """Terms by which requests count for the comparison that begins with this entry
    (`ratchet/rollout/evidence/stream.py`); entries of before have none."""
    gate_key: str = ""
    """Public half of the gate key, in hex: of the key that signed `receipts`, or that `gate_key` puts into force.
    Entries of before, and those without receipts, name none."""

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the entry; it is signed, and the next entry repeats it as `previous`."""
        return digest_json(self.as_json())

    def as_json(self) -> dict[str, Any]:
        """Return the fields of the entry's line, without its digest and signature."""
        found = {each.name: getattr(self, each.name) for each in fields(self)}  # asdict would copy it all
        return {key: value for key, value in found.items() if value or key not in _ADDED}
