"""A rollout: which adapter is live, which one a share of users tries, and which one only shadows; as one flagd flag.

The flag is plain flagd: variants name adapters by digest, `fractional` targeting keeps each user in their bucket, a
disabled flag sends everyone to live. Add here what a flag says; reading and publishing the file is
`ratchet/storage/rollout/flag_file.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ratchet.core.errors import RatchetError
from ratchet.core.names import DIGEST
from ratchet.rollout.ledger_entry import Head

SCHEMA = "https://flagd.dev/schema/v0/flags.json"
LIVE, CANDIDATE = "live", "candidate"


@dataclass(frozen=True)
class Rollout:
    """What one classifier serves. `percent` of users get the candidate; the shadow answers `shadow_share` of requests
    unseen."""

    live: str
    candidate: str | None = None
    percent: int = 0
    shadow: str | None = None
    shadow_share: float = 1.0
    killed: bool = False
    """Everyone gets live, and nothing shadows, whatever else is said."""
    head: Head = field(default_factory=Head)
    """The newest ledger entry that this rollout follows from."""

    def __post_init__(self) -> None:
        for slot in (LIVE, CANDIDATE, "shadow"):
            digest = getattr(self, slot)
            if (digest is not None or slot == LIVE) and not DIGEST.fullmatch(str(digest)):
                raise _refuse(f"{slot} = {str(digest)[:80]!r} is no adapter digest")
        if not 0 <= self.percent <= 100:
            raise _refuse(f"{self.percent} % of users is outside 0..100")
        if self.percent and self.candidate is None:
            raise _refuse(f"{self.percent} % of users are to get a candidate, but none is named")
        if not 0 <= self.shadow_share <= 1:
            raise _refuse(f"a shadow share of {self.shadow_share} is outside 0..1")

    @property
    def served_percent(self) -> int:
        """Percent of users that the candidate answers now: none when killed."""
        return 0 if self.killed else self.percent

    @property
    def adapters(self) -> dict[str, str]:
        """Digest by slot, of the slots that are filled and may answer."""
        slots = (
            {LIVE: self.live} if self.killed else {LIVE: self.live, CANDIDATE: self.candidate, "shadow": self.shadow}
        )
        return {slot: digest for slot, digest in slots.items() if digest is not None}

    def as_flag(self) -> dict[str, Any]:
        """The flagd flag of this rollout; `read_flag` is its inverse."""
        variants = {LIVE: self.live} | ({CANDIDATE: self.candidate} if self.candidate else {})
        flag: dict[str, Any] = {
            "state": "DISABLED" if self.killed else "ENABLED",
            "variants": variants,
            "defaultVariant": LIVE,
        }
        if self.percent:
            flag["targeting"] = {"fractional": [[LIVE, 100 - self.percent], [CANDIDATE, self.percent]]}
        said = {
            "ledger_sequence": self.head.sequence,
            "ledger_head": self.head.digest,
            "shadow_share": self.shadow_share,
        }
        return {**flag, "metadata": {**said, **({"shadow": self.shadow} if self.shadow else {})}}


def read_flag(flag: Any) -> Rollout:
    """The rollout of a flagd flag; raises `RatchetError` for anything that `Rollout.as_flag` would not write."""
    if not isinstance(flag, Mapping):
        raise _refuse(f"a flag is {type(flag).__name__}, not an object")
    variants, metadata = flag.get("variants"), flag.get("metadata", {})
    if not isinstance(variants, Mapping) or not isinstance(metadata, Mapping):
        raise _refuse("variants or metadata of the flag is no object")
    try:
        rollout = Rollout(
            live=variants.get(LIVE, ""),
            candidate=variants.get(CANDIDATE),
            percent=_read_percent(flag.get("targeting")),
            shadow=metadata.get("shadow"),
            shadow_share=metadata.get("shadow_share", 1.0),
            killed=flag.get("state") == "DISABLED",
            head=Head(metadata.get("ledger_sequence", 0), metadata.get("ledger_head", Head().digest)),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _refuse(f"the flag holds a value of another kind ({error})") from None
    if rollout.as_flag() != dict(flag):
        raise _refuse("the flag says more, or says it otherwise, than a rollout can")
    return rollout


def _read_percent(targeting: Any) -> int:
    if not targeting:
        return 0
    shares = dict(targeting["fractional"]) if isinstance(targeting, Mapping) else {}
    weight = shares.get(CANDIDATE)
    if not isinstance(weight, int) or isinstance(weight, bool):
        raise _refuse(f"the share of the candidate is {weight!r}, not a whole percent")
    return weight


def _refuse(found: str) -> RatchetError:
    return RatchetError(
        f"{found}.",
        "Let 'ratchet promote' or 'ratchet rollback' write the flag; it follows from the ledger.",
        code="bad_flag",
    )
