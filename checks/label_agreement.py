"""Check `label_agreement` on `corrected_labels`."""

from assets.corrected_labels import corrected_labels
from assets.metadata import as_table
from checks.gate import GateContext, GateOutcome, gate
from ratchet.data.splitting import lookback_start
from ratchet.gates.adjudication import MEASURED_SQL, judge_weeks_adjudicated
from ratchet.gates.label_agreement import (
    decide_agreement,
    judge_weeks,
    with_decisions,
    with_earlier_weeks,
)
from ratchet.gates.row_quality import digest_tables
from ratchet.metrics.agreement import measure_agreement
from ratchet.workflows.review.random_doubles import name_differing, read_random_doubles


@gate(corrected_labels)
def label_agreement(case: GateContext) -> GateOutcome:
    """Passes when pairs of annotators agree on at least 90 % of the week's doubly labelled requests, and on each label.

    Only requests that were drawn for a second label count. It fails where the exact 99 % interval lies below the limit,
    or a label is contested more often than confirmed, and warns before, and where one annotator differs from all
    others, whom the metadata name. Too few doubles give no verdict. Earlier weeks that train are judged as well: one
    that fails is quarantined. A failed week passes once every disagreement is adjudicated; annotators who stay under
    the limit against the decided answers are then left out of it.
    """
    first = lookback_start(case.cycle, case.spec.window).date()
    doubles = read_random_doubles(case.receipts.home, case.spec, case.warehouse, case.cycle)
    own = doubles["week"].astype(str).str[:10] == str(case.cycle.week)
    votes = case.warehouse.frame(MEASURED_SQL, case.parameters(first=first))
    decided = judge_weeks_adjudicated(votes, case.spec.limits.min_agreement)
    earlier = judge_weeks(doubles[~own], case.spec.labels, case.spec.limits, decided)
    for week, (verdict, rows) in earlier.items():
        case.hold_or_release(week, "label_agreement", verdict, digest_tables(rows))
    result = measure_agreement(doubles[own], case.spec.labels)
    case.receipts.note(case.cycle, agreement=vars(result))
    verdict = with_decisions(decide_agreement(result, case.spec.limits), decided.get(str(case.cycle.week)))
    verdict = with_earlier_weeks(verdict, {week: each for week, (each, _) in earlier.items()})
    named = name_differing(doubles, case.spec)
    shown = {"annotators who differ from all others": as_table(named)} if named else {}
    return verdict, {"rows": digest_tables(doubles[own])}, shown
