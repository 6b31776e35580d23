"""Check `row_quality` on `corrected_labels`."""

from assets.corrected_labels import corrected_labels
from assets.production_logs import production_logs
from checks.gate import GateContext, GateOutcome, gate
from ratchet.gates.row_quality import (
    CORRECTIONS_SQL,
    EXAMPLES_SQL,
    LOGS_SQL,
    decide_row_quality,
    digest_tables,
    expect_corrections,
    expect_examples,
    expect_logs,
    validate,
)
from ratchet.ingest.examples_alone import has_only_examples
from ratchet.ingest.known_labels import known_labels


@gate(corrected_labels, production_logs)
def row_quality(case: GateContext) -> GateOutcome:
    """Passes when the types, ranges, labels, keys and dates of the week's logs and corrections are as specified.

    Where no request is labelled yet, it looks at the labelled examples instead.
    """
    logs, corrections = (case.warehouse.frame(sql, case.parameters()) for sql in (LOGS_SQL, CORRECTIONS_SQL))
    labels = known_labels(case.receipts.home, case.spec)
    if not len(corrections) and has_only_examples(case.warehouse, case.cycle.classifier):
        examples = case.warehouse.frame(EXAMPLES_SQL, {"classifier": case.cycle.classifier})
        tables = {"labelled_examples": (examples, expect_examples(case.spec, labels))}
        return decide_row_quality(validate(tables)), {"rows": digest_tables(examples)}
    tables = {
        "production_logs": (logs, expect_logs(case.cycle, case.spec, logs, labels)),
        "corrections": (corrections, expect_corrections(labels)),
    }
    return decide_row_quality(validate(tables)), {"rows": digest_tables(logs, corrections)}
