"""Check `colluding_annotators` on `corrected_labels`."""

from assets.corrected_labels import corrected_labels
from assets.metadata import as_table
from checks.gate import GateContext, GateOutcome, gate
from ratchet.data.splitting import lookback_start
from ratchet.gates.colluding_annotators import VOTES_OF_SEVERAL_SQL, decide_collusion
from ratchet.gates.row_quality import digest_tables
from ratchet.metrics.annotator_camps import cross_labels


@gate(corrected_labels)
def colluding_annotators(case: GateContext) -> GateOutcome:
    """Passes when no two people call one label by another where their colleagues do not.

    The metadata name them; receipts hold numbers. It passes again once they are suspended, or their requests
    adjudicated.
    """
    first = lookback_start(case.cycle, case.spec.window).date()
    votes = case.warehouse.frame(VOTES_OF_SEVERAL_SQL, case.parameters(first=first))
    crossed = cross_labels(votes, case.spec.labels)
    verdict = decide_collusion(crossed)
    camps = verdict.evidence.get("camps", [])
    named = [{**member, "person": crossed.names[member["person"]]} for member in camps]
    return verdict, {"rows": digest_tables(votes)}, {"annotators who differ together": as_table(named)} if named else {}
