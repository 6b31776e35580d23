"""Check `target_fit` on `calibration_temperature`."""

from assets.calibration_temperature import calibration_temperature
from checks.gate import GateContext, GateOutcome, gate
from ratchet.workflows.gates.target_gates import judge_artifact


@gate(calibration_temperature)
def target_fit(case: GateContext) -> GateOutcome:
    """Passes when the sealed adapter can run on every target.

    An export that a target asks for must also be as good as the adapter.
    """
    return judge_artifact(case.specs, case.spec, case.noted["adapter"]), case.targets
