"""Check `identity_attacks` on `gate_audit`."""

from assets.gate_audit import gate_audit
from checks.gate import GateContext, GateOutcome, gate
from ratchet.gates.identity_attacks import decide_identity_attacks


@gate(gate_audit)
def identity_attacks(case: GateContext) -> GateOutcome:
    """Passes when the gates stop every attack that follows from identity: a copy, old weights, a flipped bit, a leak.

    One that gets through blocks the candidate, and the gate that slept is named.
    """
    return decide_identity_attacks(case.noted["identity_attacks"]), {"report": case.reports.digest(case.cycle)}
