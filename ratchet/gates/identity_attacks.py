"""Gate `identity_attacks`: attacks that follow from identity alone must be stopped, in every cycle.

A copy, old weights under a new name, a changed bit and a leaked text need no statistics to be found: a gate that lets
one through sleeps. Add here how the audit is judged; attacks are in `ratchet/evaluation/gate_audit/`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ratchet.core.verdict import Verdict

IDENTITY_ATTACKS_RULE = 1
"""Revision of the rule, which its evidence names."""


def decide_identity_attacks(attacks: Sequence[Mapping[str, Any]]) -> Verdict:
    """Decide whether every attack was stopped, by the gates that are there for it.

    Each of `attacks` has `attack`, `says`, `guards` (gates that must stop it) and `stopped_by`. One that no gate
    stopped fails, and its guards are named; one that others stopped while a guard let it through warns. An audit
    without attacks fails.
    """
    found = [{key: attack[key] for key in ("attack", "says", "guards", "stopped_by")} for attack in attacks]
    return decide_from_evidence({"rule": IDENTITY_ATTACKS_RULE, "attacks": found})


def decide_from_evidence(evidence: Mapping[str, Any]) -> Verdict:
    """Verdict that follows from the evidence of a receipt; KeyError where it lacks something."""
    if evidence["rule"] != IDENTITY_ATTACKS_RULE:
        raise KeyError(f"rule {IDENTITY_ATTACKS_RULE}")
    attacks = evidence["attacks"]
    kept = {"rule": evidence["rule"], "attacks": attacks}
    if not attacks:
        return Verdict("failed", "Fails: no attack was played, so nobody knows whether the gates are awake.", kept)
    through = [attack for attack in attacks if not attack["stopped_by"]]
    if through:
        named = "; ".join(f"{each['says']} got through, {_join(each['guards'])} slept" for each in through)
        return Verdict("failed", f"Fails: {named}.", kept)
    late = {
        attack["says"]: gates
        for attack in attacks
        if (gates := [gate for gate in attack["guards"] if gate not in attack["stopped_by"]])
    }
    stopped = f"all {len(attacks)} attacks that follow from identity are stopped"
    if late:
        slept = "; ".join(f"{_join(gates)} slept at {says}" for says, gates in late.items())
        return Verdict("warned", f"Warns: {stopped}, but {slept}.", kept)
    return Verdict("passed", f"Passes: {stopped}.", kept)


def _join(gates: Sequence[str]) -> str:
    return " and ".join(gates)
