"""Check `target_plan` on `training_set`."""

from assets.training_set import training_set
from checks.gate import GateContext, GateOutcome, gate
from ratchet.workflows.gates.target_gates import judge_plan


@gate(training_set)
def target_plan(case: GateContext) -> GateOutcome:
    """Passes when at least one candidate can run on every target; the others are named and not trained."""
    return judge_plan(case.specs, case.spec).verdict, case.targets
