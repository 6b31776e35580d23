"""The head of a ledger: how long it is and how it ends. Kept outside the file, it tells a cut tail or a rewrite.

Add here other anchors of the same two values; the ledger itself is `ratchet/stores/ledger.py`.
"""

from dataclasses import dataclass

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
