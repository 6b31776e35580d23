"""Attacks of the audit: the list, with the gates that are there for each.

Add an attack as one row here; the answers of its copy are made in `score_copies.py` and `probe_copies.py`, and it is
played in `ratchet/workflows/gate_audit/`.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["identity", "statistical"]


@dataclass(frozen=True)
class Attack:
    """One attack: `identity` must be stopped in every cycle, `statistical` as often as the items can show it."""

    name: str
    kind: Kind
    guards: tuple[str, ...]
    """Gates that are there for it; others may stop it, too."""
    says: str
    """The attack in words, as a phrase that fits into a sentence."""


NOMINATION, ROLLOUT, RECEIPTS = "nomination", "rollout", "receipts"
"""Stops of a candidate beside the gates of the registry: the checks before a rollout, its decision, and the reader of
receipts."""

ATTACKS = (
    Attack("copy", "identity", (NOMINATION, ROLLOUT), "the same model under another name"),
    Attack("receipt_bit", "identity", (RECEIPTS,), "a receipt with one bit flipped"),
    Attack("random_head", "statistical", ("golden_set_regression", ROLLOUT), "a head that was initialised again"),
)
