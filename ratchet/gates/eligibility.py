"""Eligibility: the pure decision over an adapter's receipts, whether it may enter a rollout, become live, or go on
serving.

Add here rules about who may enter. How a candidate advances is `ratchet/rollout/decision.py`, the history
`ratchet/storage/rollout/ledger.py`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ratchet.core.verdict import Verdict
from ratchet.gates.registry import ADAPTER_GATES, EXAMPLE_GATES, GATES


class JudgedReceipt(Protocol):
    """Verdict of a gate with the digests of what it judged."""

    @property
    def verdict(self) -> Verdict:
        """Verdict of the gate."""
        ...

    @property
    def binds(self) -> dict[str, Any]:
        """Digests of what was judged."""
        ...


@dataclass(frozen=True)
class Eligibility:
    """Permission to become live, or none, with the reason either way."""

    allowed: bool
    reason: str


def decide_eligibility(
    adapter: str, receipts: Mapping[str, JudgedReceipt], *, required: Collection[str] = GATES
) -> Eligibility:
    """Allow an adapter when every required gate has a receipt, none failed, and all judged the same data and this
    adapter.

    `required` are the gates that are asked: all of the registry before an adapter comes in, those that its entry of the
    ledger names once it did, so that a gate added later leaves it where it is.
    """
    failed = [gate for gate in receipts if not receipts[gate].verdict.passed]
    if failed:
        return Eligibility(False, f"{failed[0]} blocked it: {receipts[failed[0]].verdict.reason}")
    missing = [gate for gate in required if gate not in receipts]
    if missing:
        return Eligibility(False, f"its cycle has no verdict of {', '.join(missing)}")
    judges = [gate for gate in ADAPTER_GATES if gate in receipts]
    others = [gate for gate in judges if receipts[gate].binds.get("adapter") != adapter]
    if others:
        return Eligibility(False, f"the receipt of {others[0]} judged another adapter")
    # A ledger entry could name gates of the data alone, and those would vouch for any adapter.
    if not judges:
        return Eligibility(False, "none of its receipts judged the adapter itself")
    data = {receipts[gate].binds.get("training_set") for gate in EXAMPLE_GATES if gate in receipts}
    if len(data) != 1 or None in data:
        return Eligibility(False, "its receipts judged different training sets")
    return Eligibility(True, f"all {len(receipts)} gates of its cycle let it pass")
