"""Check `label_agreement` on `corrected_labels`."""

from assets.corrected_labels import corrected_labels
from checks.gate import GateContext, GateOutcome, gate
from ratchet.data.splitting import lookback_start
from ratchet.gates.label_agreement import (
    DOUBLES_SQL,
    decide_agreement,
    judge_weeks,
    measure_agreement,
    with_earlier_weeks,
)
from ratchet.gates.row_quality import digest_tables


@gate(corrected_labels)
def label_agreement(case: GateContext) -> GateOutcome:
    """Passes when annotators agree on at least 90 % of the week's doubly labelled requests.

    Too few of them give no verdict. Earlier weeks that train are judged as well: one that fails is quarantined.
    """
    first = lookback_start(case.cycle, case.spec.window).date()
    doubles = case.warehouse.frame(DOUBLES_SQL, case.parameters(first=first))
    own = doubles["week"].astype(str).str[:10] == str(case.cycle.week)
    earlier = judge_weeks(doubles[~own], case.spec.labels, case.spec.limits)
    for week, (verdict, rows) in earlier.items():
        case.hold_or_release(week, "label_agreement", verdict, digest_tables(rows))
    result = measure_agreement(doubles[own], case.spec.labels)
    case.receipts.note(case.cycle, agreement=vars(result))
    verdict = decide_agreement(result, case.spec.limits)
    return with_earlier_weeks(verdict, {week: each for week, (each, _) in earlier.items()}), {
        "rows": digest_tables(doubles[own])
    }
