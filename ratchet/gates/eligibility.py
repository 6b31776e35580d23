"""Eligibility: may this candidate enter a rollout, or become live? A pure decision over the receipts of its cycle.

Add here rules about who may enter. How a candidate advances is `ratchet/rollout/decision.py`, the history
`ratchet/storage/rollout/ledger.py`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ratchet.core.verdict import Verdict
from ratchet.gates.registry import GATES, MODEL_GATES

_JUDGE_ADAPTER = ("target_fit", *MODEL_GATES)
_JUDGE_EXAMPLES = ("label_distribution", "leakage", *_JUDGE_ADAPTER)


class JudgedReceipt(Protocol):
    """What this module needs to know of a receipt."""

    @property
    def verdict(self) -> Verdict:
        """The gate's verdict."""
        ...

    @property
    def binds(self) -> dict[str, Any]:
        """Digests of what was judged."""
        ...


@dataclass(frozen=True)
class Eligibility:
    """Whether an adapter may become live, with the reason either way."""

    allowed: bool
    reason: str


def decide_eligibility(
    adapter: str, receipts: Mapping[str, JudgedReceipt], *, unasked: Collection[str] = ()
) -> Eligibility:
    """Allowed when every gate of the cycle has a receipt, none failed, and all judged the same data and this adapter.

    `unasked` are gates that did not exist yet when the adapter came in: of them a receipt is not missed.
    """
    missing = [gate for gate in GATES if gate not in receipts and gate not in unasked]
    failed = [gate for gate in GATES if gate in receipts and not receipts[gate].verdict.passed]
    if failed:
        return Eligibility(False, f"{failed[0]} blocked it: {receipts[failed[0]].verdict.reason}")
    if missing:
        return Eligibility(False, f"its cycle has no verdict of {', '.join(missing)}")
    others = [gate for gate in _JUDGE_ADAPTER if gate in receipts and receipts[gate].binds.get("adapter") != adapter]
    if others:
        return Eligibility(False, f"the receipt of {others[0]} judged another adapter")
    data = {receipts[gate].binds.get("training_set") for gate in _JUDGE_EXAMPLES if gate in receipts}
    if len(data) != 1 or None in data:
        return Eligibility(False, "its receipts judged different training sets")
    return Eligibility(True, f"all {len(receipts)} gates of its cycle let it pass")
