"""Check `leakage` on `training_set`."""

from assets.training_set import training_set
from checks.gate import GateContext, GateOutcome, gate
from ratchet.data.boilerplate import BOILERPLATE_SQL, Boilerplate
from ratchet.data.curation import EXAMPLES_SQL, digest_examples
from ratchet.data.redaction import redact
from ratchet.gates.leakage import decide_leakage, find_leaks_beside
from ratchet.storage.golden_set import digest_golden


@gate(training_set)
def leakage(case: GateContext) -> GateOutcome:
    """Passes when no text of test, calibration or golden occurs in train, exactly or nearly.

    Passages that many texts share (footers, form headers) are set aside in this comparison. The first ten leaks are
    named.
    """
    rows = case.warehouse.frame(EXAMPLES_SQL, case.parameters())
    in_train = rows["split"] == "train"
    train, held_out = (
        [*part[["request_id", "text"]].itertuples(index=False, name=None)] for part in (rows[in_train], rows[~in_train])
    )
    items = case.specs.golden(case.cycle.classifier)
    golden = [(f"golden-{n}", redact(item.text)) for n, item in enumerate(items, start=1)]
    alike = case.spec.limits.near_duplicate_jaccard
    found = case.warehouse.frame(BOILERPLATE_SQL, case.parameters())
    shared = Boilerplate(dict(zip(found["gram"].tolist(), found["texts"].tolist(), strict=True)))
    leaks = find_leaks_beside(shared, train, held_out, golden, alike)
    return decide_leakage(leaks, len(train), len(held_out) + len(golden), alike), {
        "training_set": digest_examples(rows),
        "golden": digest_golden(items),
    }
