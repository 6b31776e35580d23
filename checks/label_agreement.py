"""Check `label_agreement` on `corrected_labels`."""

import dagster as dg

from assets.corrected_labels import corrected_labels
from assets.partitions import cycle_of
from checks.verdicts import conclude
from ratchet.agreement import DOUBLES_SQL, decide_agreement, measure_agreement
from ratchet.row_expectations import digest_tables
from ratchet.stores.receipts import Receipts
from ratchet.stores.specs import Specs
from ratchet.stores.warehouse import Warehouse


@dg.asset_check(asset=corrected_labels, blocking=True, pool="duckdb")
def label_agreement(
    context: dg.AssetCheckExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    specs: dg.ResourceParam[Specs],
    receipts: dg.ResourceParam[Receipts],
) -> dg.AssetCheckResult:
    """Passes when annotators agree on at least 90 % of the week's doubly labelled requests; too few of them is no verdict."""
    cycle = cycle_of(context)
    spec = specs[cycle.classifier]
    doubles = warehouse.frame(DOUBLES_SQL, {"classifier": cycle.classifier, "first": cycle.week, "week": cycle.week})
    found = measure_agreement(doubles, spec.labels)
    receipts.note(cycle, agreement=vars(found))
    return conclude(
        "label_agreement", cycle, spec, receipts, decide_agreement(found, spec.limits), {"rows": digest_tables(doubles)}
    )
