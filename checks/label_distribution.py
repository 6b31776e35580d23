"""Check `label_distribution` on `training_set`."""

from assets.training_set import training_set
from checks.gate import GateContext, GateOutcome, gate
from ratchet.data.given_examples import is_by_text
from ratchet.gates.label_distribution import CONSENSUS_COUNTS_SQL, decide_distribution
from ratchet.workflows.gates.cycle_digests import digest_votes


@gate(training_set)
def label_distribution(case: GateContext) -> GateOutcome:
    """Passes when train has every label that live answers and the week has; warns when the mix has moved.

    What chance explains is taken off. A first candidate needs every label that the week has. Labels of errors alone
    have no mix to compare; requests that were chosen for their value are compared in neither.
    """
    noted, counts = case.noted, case.warehouse.frame(CONSENSUS_COUNTS_SQL, case.parameters())
    production = dict(zip(counts["label"], counts["n"].astype(int).tolist(), strict=True))
    train = noted["data"]["splits"]["train"]["classes"]
    confirming = int(counts["confirming"].sum())
    limit, live = case.spec.limits.max_label_divergence, case.live_labels
    answered = None if live is None else case.label_rules.labels_now(live)
    drawn = noted["data"].get("drawn_in_train")
    verdict = decide_distribution(train, production, case.spec.labels, limit, answered, confirming, drawn)
    # It compares with the labels of the week, so these are judged as well.
    labels = digest_votes(case.warehouse, case.cycle, case.spec.window)
    mark = {"split_by": noted["data"]["split_by"]} if is_by_text(noted["data"]) else {}
    return verdict, {"labels": labels, "weeks": noted["data"]["weeks"], **mark}
