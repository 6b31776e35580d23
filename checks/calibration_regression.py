"""Check `calibration_regression` on `eval_report`."""

from assets.eval_report import eval_report
from checks.gate import GateContext, GateOutcome, gate
from ratchet.gates.calibration_regression import decide_calibration


@gate(eval_report)
def calibration_regression(case: GateContext) -> GateOutcome:
    """Passes when the candidate's confidences fit the golden and test labels as well as live's, within 0.02 nats.

    It fails where they are shown to fit worse by more than that, and gives no verdict between the two or without live.
    """
    return decide_calibration(case.paired, case.spec.limits.max_nll_rise), case.golden
