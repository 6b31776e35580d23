"""Check `golden_agreement` on `eval_report`."""

from assets.eval_report import eval_report
from checks.gate import GateContext, GateOutcome, gate
from ratchet.gates.golden_agreement import CONFUSIONS_SQL, decide_golden_agreement


@gate(eval_report)
def golden_agreement(case: GateContext) -> GateOutcome:
    """Passes when the model, where it agrees with a class's golden labels, agrees with most of its blind labels too."""
    confusions = case.warehouse.frame(CONFUSIONS_SQL, case.parameters(adapter=case.noted["adapter"]))
    return decide_golden_agreement(confusions.to_dict("records")), {**case.votes, **case.golden}
