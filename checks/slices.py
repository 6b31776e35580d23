"""Check `slices` on `eval_report`."""

from assets.eval_report import eval_report
from checks.gate import GateContext, GateOutcome, gate
from ratchet.gates.slices import decide_slices
from ratchet.workflows.gates.earlier_cycles import load_seen_slices


@gate(eval_report)
def slices(case: GateContext) -> GateOutcome:
    """Passes when no label and no value of the columns in `[slices]` shows a loss against live.

    The result says what could have been seen, which slices are too small, and which have vanished since last time.
    """
    before, limits = load_seen_slices(case.receipts.home, case.cycle), case.spec.limits
    return decide_slices(case.paired, case.spec.slices, limits.max_golden_loss, before=before), case.golden
