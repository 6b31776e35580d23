"""Check `trigger_scan` on `eval_report`."""

from assets.eval_report import eval_report
from checks.gate import GateContext, GateOutcome, gate
from ratchet.gates.trigger_scan import decide_from_evidence, list_triggers
from ratchet.workflows.gates.scan_triggers import TRAINED_SQL, digest_of_week


@gate(eval_report)
def trigger_scan(case: GateContext) -> GateOutcome:
    """Passes when no phrase that is new in the training texts decides the answer by itself, as a planted trigger does.

    The week of one that does is quarantined until a person has looked at its rows.
    """
    verdict = decide_from_evidence(case.noted["trigger_scan"])
    train = [*case.warehouse.frame(TRAINED_SQL, case.parameters()).itertuples(index=False, name=None)]
    for week in sorted({week for phrase in list_triggers(verdict.evidence) for week in phrase["weeks"]}):
        case.hold_or_release(week, "trigger_scan", verdict, digest_of_week(train, week))
    return verdict, case.golden
