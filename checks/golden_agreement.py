"""Check `golden_agreement` on `eval_report`."""

from assets.eval_report import eval_report
from checks.gate import GateContext, GateOutcome, gate
from ratchet.gates.golden_agreement import CONFUSIONS_SQL, decide_golden_agreement
from ratchet.gates.label_distribution import SERVED_SQL
from ratchet.workflows.gates.past_answers import read_past_answers


@gate(eval_report)
def golden_agreement(case: GateContext) -> GateOutcome:
    """Passes when the model, where it agrees with a class's golden labels, agrees with most of its blind labels too.

    It also fails where it agrees with a class clearly less often than the models of the eight weeks before did. Where
    only errors were labelled, it warns, unless the labels were clearly swapped.
    """
    confusions = case.warehouse.frame(CONFUSIONS_SQL, case.parameters(adapter=case.noted["adapter"]))
    served = case.warehouse.frame(SERVED_SQL, case.parameters())
    requests = dict(zip(served["label"], served["requests"].astype(int).tolist(), strict=True))
    before = read_past_answers(case.warehouse, case.cycle, case.noted, case.label_rules)
    verdict = decide_golden_agreement(confusions.to_dict("records"), requests, before)
    return verdict, {**case.votes, **case.golden}
