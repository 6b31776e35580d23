"""Check `golden_set_regression` on `eval_report`."""

from assets.eval_report import eval_report
from checks.gate import GateContext, GateOutcome, gate
from ratchet.gates.golden_set_regression import GOLDEN_SQL, decide_regression, read_golden_answers


@gate(eval_report)
def golden_set_regression(case: GateContext) -> GateOutcome:
    """Passes when at most 5 % of the golden items that live gets right are lost, over all and within each class.

    The lost items are named.
    """
    rows = case.warehouse.frame(GOLDEN_SQL, case.parameters(adapter=case.noted["adapter"]))
    return decide_regression(read_golden_answers(rows.to_dict("records")), case.spec.limits), case.golden
