"""A rollout as one flagd flag: the live adapter, the candidate that a share of users gets, and the one that shadows.

The flag is plain flagd: variants name adapters by digest, `fractional` targeting keeps each user in their bucket, a
disabled flag sends all traffic to live. Add a field of the flag here; reading and publishing the file is
`ratchet/storage/rollout/flag_file.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ratchet.core.errors import RatchetError
from ratchet.core.names import DIGEST
from ratchet.rollout.bucketing import BUCKETING, FORMER_BUCKETING, HASHED
from ratchet.rollout.ledger_entry import Head

SCHEMA = "https://flagd.dev/schema/v0/flags.json"
LIVE, CANDIDATE = "live", "candidate"


@dataclass(frozen=True)
class Rollout:
    """Adapters that serve one classifier. `percent` of users get the candidate; the shadow also answers `shadow_share`
    of requests, and no user sees it."""

    live: str
    candidate: str | None = None
    percent: int = 0
    shadow: str | None = None
    shadow_share: float = 1.0
    killed: bool = False
    """Kill switch: all traffic goes to live and nothing shadows, whatever the other fields are."""
    head: Head = field(default_factory=Head)
    """The newest ledger entry that this rollout follows from."""
    bucketing: str = BUCKETING
    """Hashing that puts users into buckets, named while a share of them gets the candidate."""

    def __post_init__(self) -> None:
        for slot in (LIVE, CANDIDATE, "shadow"):
            digest = getattr(self, slot)
            if (digest is not None or slot == LIVE) and not DIGEST.fullmatch(str(digest)):
                raise _invalid(f"{slot} = {str(digest)[:80]!r} is not an adapter digest")
        if not 0 <= self.percent <= 100:
            raise _invalid(f"{self.percent} % of users is outside 0..100")
        if self.percent and self.candidate is None:
            raise _invalid(f"{self.percent} % of users are to get a candidate, but none is named")
        if not 0 <= self.shadow_share <= 1:
            raise _invalid(f"a shadow share of {self.shadow_share} is outside 0..1")
        if self.bucketing not in HASHED:
            raise _invalid(f"bucketing {str(self.bucketing)[:40]!r} is not one of {', '.join(HASHED)}")

    @property
    def served_percent(self) -> int:
        """Percent of users that the candidate answers now: 0 when killed."""
        return 0 if self.killed else self.percent

    @property
    def adapters(self) -> dict[str, str]:
        """Digests by slot, of the slots that are filled and may answer."""
        slots = (
            {LIVE: self.live} if self.killed else {LIVE: self.live, CANDIDATE: self.candidate, "shadow": self.shadow}
        )
        return {slot: digest for slot, digest in slots.items() if digest is not None}

    def as_flag(self) -> dict[str, Any]:
        """Return the flagd flag of this rollout; `read_flag` is its inverse."""
        variants = {LIVE: self.live} | ({CANDIDATE: self.candidate} if self.candidate else {})
        flag: dict[str, Any] = {
            "state": "DISABLED" if self.killed else "ENABLED",
            "variants": variants,
            "defaultVariant": LIVE,
        }
        if self.percent:
            flag["targeting"] = {"fractional": [[LIVE, 100 - self.percent], [CANDIDATE, self.percent]]}
        metadata = {
            "ledger_sequence": self.head.sequence,
            "ledger_head": self.head.digest,
            "shadow_share": self.shadow_share,
        }
        optional = {"shadow": self.shadow, "bucketing": self.bucketing if self.percent else None}
        return {**flag, "metadata": {**metadata, **{key: value for key, value in optional.items() if value}}}


def read_flag(flag: Any) -> Rollout:
    """Return the rollout of a flagd flag; raises `RatchetError` for anything that `Rollout.as_flag` would not write."""
    if not isinstance(flag, Mapping):
        raise _invalid(f"a flag is {type(flag).__name__}, not an object")
    variants, metadata = flag.get("variants"), flag.get("metadata", {})
    if not isinstance(variants, Mapping) or not isinstance(metadata, Mapping):
        raise _invalid("variants or metadata of the flag is not an object")
    try:
        percent = _read_percent(flag.get("targeting"))
        rollout = Rollout(
            live=variants.get(LIVE, ""),
            candidate=variants.get(CANDIDATE),
            percent=percent,
            shadow=metadata.get("shadow"),
            shadow_share=metadata.get("shadow_share", 1.0),
            killed=flag.get("state") == "DISABLED",
            head=Head(metadata.get("ledger_sequence", 0), metadata.get("ledger_head", Head().digest)),
            bucketing=metadata.get("bucketing", FORMER_BUCKETING) if percent else BUCKETING,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _invalid(f"the flag holds a value of a wrong type ({error})") from None
    # a flag must be exactly what `as_flag` writes: a rule that is not understood would route users unnoticed
    expected = rollout.as_flag()
    if "bucketing" not in metadata:  # a flag of before, which did not name it
        expected["metadata"].pop("bucketing", None)
    if expected != dict(flag):
        raise _invalid("the flag holds rules or keys that Ratchet does not write")
    return rollout


def _read_percent(targeting: Any) -> int:
    if not targeting:
        return 0
    shares = dict(targeting["fractional"]) if isinstance(targeting, Mapping) else {}
    weight = shares.get(CANDIDATE)
    if not isinstance(weight, int) or isinstance(weight, bool):
        raise _invalid(f"the share of the candidate is {weight!r}, not a whole percent")
    return weight


def _invalid(found: str) -> RatchetError:
    return RatchetError(
        f"{found}.",
        "'ratchet advance NAME' writes the flag anew from the ledger.",
        code="bad_flag",
    )
