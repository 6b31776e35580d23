"""Check `label_agreement` on `corrected_labels`."""

from assets.corrected_labels import corrected_labels
from checks.gate import GateContext, GateOutcome, gate
from ratchet.gates.label_agreement import DOUBLES_SQL, decide_agreement, measure_agreement
from ratchet.gates.row_quality import digest_tables


@gate(corrected_labels)
def label_agreement(case: GateContext) -> GateOutcome:
    """Passes when annotators agree on at least 90 % of the week's doubly labelled requests.

    Too few of them give no verdict.
    """
    doubles = case.warehouse.frame(DOUBLES_SQL, case.parameters(first=case.cycle.week))
    result = measure_agreement(doubles, case.spec.labels)
    case.receipts.note(case.cycle, agreement=vars(result))
    return decide_agreement(result, case.spec.limits), {"rows": digest_tables(doubles)}
