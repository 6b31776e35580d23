"""Check `label_distribution` on `training_set`."""

from assets.training_set import training_set
from checks.gate import GateContext, GateOutcome, gate
from ratchet.gates.label_distribution import CONSENSUS_COUNTS_SQL, decide_distribution
from ratchet.workflows.gates.cycle_digests import digest_votes


@gate(training_set)
def label_distribution(case: GateContext) -> GateOutcome:
    """Passes when every label occurs in train, in shares like those of the week's corrected production."""
    noted, counts = case.noted, case.warehouse.frame(CONSENSUS_COUNTS_SQL, case.parameters())
    production = dict(zip(counts["label"], counts["n"].astype(int).tolist(), strict=True))
    train = noted["data"]["splits"]["train"]["classes"]
    verdict = decide_distribution(train, production, case.spec.labels, case.spec.limits.max_label_divergence)
    # It compares with the labels of the week, so these are judged as well.
    labels = digest_votes(case.warehouse, case.cycle, case.spec.window)
    return verdict, {"labels": labels, "weeks": noted["data"]["weeks"]}
