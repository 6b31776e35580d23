"""An adapter may become live only on a whole, unanimous set of receipts about itself."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from ratchet.core.verdict import Verdict
from ratchet.gates.eligibility import decide_eligibility
from ratchet.gates.registry import ADAPTER_GATES, GATES

ADAPTER, DATA = "a" * 64, "d" * 64
ADAPTERS = ADAPTER_GATES
EXAMPLES = ("label_distribution", "leakage", *ADAPTERS)


@dataclass(frozen=True)
class JudgedReceipt:
    """A verdict and what it was about."""

    verdict: Verdict
    binds: dict[str, Any] = field(default_factory=dict)


def receipts(**changed: JudgedReceipt | None) -> dict[str, JudgedReceipt]:
    """A pass of every gate on one adapter and one training set, some replaced or left out."""
    found: dict[str, JudgedReceipt | None] = {}
    for gate in GATES:
        binds = {
            **({"training_set": DATA} if gate in EXAMPLES else {}),
            **({"adapter": ADAPTER} if gate in ADAPTERS else {}),
        }
        found[gate] = JudgedReceipt(Verdict("passed", "fine"), binds)
    found.update(changed)
    return {gate: judged for gate, judged in found.items() if judged is not None}


def test_passes_of_every_gate_on_one_adapter_and_one_training_set_are_enough() -> None:
    """And a gate without a verdict of its own does not stand in the way."""
    assert decide_eligibility(ADAPTER, receipts()).allowed
    few = JudgedReceipt(Verdict("inconclusive", "too few"))
    assert decide_eligibility(ADAPTER, receipts(label_agreement=few)).allowed


@pytest.mark.parametrize("gate", GATES)
def test_a_missing_or_failed_gate_refuses_and_is_named(gate: str) -> None:
    """Whichever it is."""
    missing = decide_eligibility(ADAPTER, receipts(**{gate: None}))
    assert not missing.allowed
    assert missing.reason == f"its cycle has no verdict of {gate}"
    binds = receipts()[gate].binds
    failed = decide_eligibility(ADAPTER, receipts(**{gate: JudgedReceipt(Verdict("failed", "Fails: because."), binds)}))
    assert not failed.allowed
    assert failed.reason == f"{gate} blocked it: Fails: because."


@pytest.mark.parametrize("gate", ADAPTERS)
def test_a_receipt_about_another_adapter_refuses(gate: str) -> None:
    """Also one that names none."""
    for binds in ({"adapter": "b" * 64, "training_set": DATA}, {"training_set": DATA}):
        found = decide_eligibility(ADAPTER, receipts(**{gate: JudgedReceipt(Verdict("passed", ""), binds)}))
        assert not found.allowed
        assert gate in found.reason


@pytest.mark.parametrize("gate", EXAMPLES)
@pytest.mark.parametrize("data", ["e" * 64, None])
def test_receipts_about_different_training_sets_refuse(gate: str, data: str | None) -> None:
    """Another digest, and none where one belongs."""
    binds = {**receipts()[gate].binds, "training_set": data}
    found = decide_eligibility(ADAPTER, receipts(**{gate: JudgedReceipt(Verdict("passed", ""), binds)}))
    assert not found.allowed
    assert "different training sets" in found.reason


def test_no_receipts_at_all_name_every_gate() -> None:
    """Nothing is allowed by default."""
    found = decide_eligibility(ADAPTER, {})
    assert not found.allowed
    assert all(gate in found.reason for gate in GATES)


def test_a_gate_that_did_not_exist_yet_is_not_missed() -> None:
    """An adapter answers for the gates that its entry names; a receipt that failed counts, whether it is required or
    not."""
    before = receipts(target_plan=None, target_fit=None)
    named = tuple(before)
    assert decide_eligibility(ADAPTER, before, required=named).allowed
    assert not decide_eligibility(ADAPTER, before).allowed
    failed = {**before, "target_fit": JudgedReceipt(Verdict("failed", "Fails: rank."), {"adapter": ADAPTER})}
    assert not decide_eligibility(ADAPTER, failed, required=named).allowed


@pytest.mark.parametrize("gate", [gate for gate in GATES if gate not in ADAPTERS])
def test_gates_of_the_data_alone_vouch_for_no_adapter(gate: str) -> None:
    """An entry that names none that looked at the adapter would let any adapter in."""
    found = decide_eligibility(ADAPTER, {gate: receipts()[gate]}, required=[gate])
    assert (found.allowed, found.reason) == (False, "none of its receipts judged the adapter itself")
