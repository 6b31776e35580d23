"""Check `golden_set_regression` on `eval_report`."""

from assets.eval_report import eval_report
from checks.gate import GateContext, GateOutcome, gate
from ratchet.gates.golden_set_regression import GOLDEN_SQL, decide_regression, read_golden_answers
from ratchet.workflows.gates.earlier_cycles import load_anchor


@gate(eval_report)
def golden_set_regression(case: GateContext) -> GateOutcome:
    """Passes when the candidate is shown to be within 5 points of live on the golden set, gains counted with losses.

    It fails where it is shown to be worse, over all or within a class, than live or than the adapter of 13 weeks ago.
    Between the two it gives no verdict, and the rollout's labels decide. The lost items are named.
    """
    rows = case.warehouse.frame(GOLDEN_SQL, case.parameters(adapter=case.noted["adapter"]))
    items = [*rows[["text", "label"]].itertuples(index=False, name=None)]
    live = next((str(digest) for digest in rows["live_adapter"].dropna()), None)
    anchor = load_anchor(case.receipts.home, case.warehouse, case.cycle, items, live)
    return decide_regression(read_golden_answers(rows.to_dict("records")), case.spec.limits, anchor), case.golden
