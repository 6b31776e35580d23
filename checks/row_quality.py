"""Check `row_quality` on `corrected_labels`."""

import dagster as dg

from assets.corrected_labels import corrected_labels
from assets.partitions import cycle_of
from assets.production_logs import production_logs
from checks.verdicts import conclude
from ratchet.row_expectations import CORRECTIONS_SQL, LOGS_SQL, decide_row_quality, expect_corrections, expect_logs, validate
from ratchet.stores.receipts import Receipts
from ratchet.stores.specs import Specs
from ratchet.stores.warehouse import Warehouse


@dg.asset_check(asset=corrected_labels, additional_deps=[production_logs], blocking=True, pool="duckdb")
def row_quality(
    context: dg.AssetCheckExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    specs: dg.ResourceParam[Specs],
    receipts: dg.ResourceParam[Receipts],
) -> dg.AssetCheckResult:
    """Passes when the week's logs and corrections have the types, ranges, labels, keys and dates that the specification expects."""
    cycle = cycle_of(context)
    spec = specs[cycle.classifier]
    week = {"classifier": cycle.classifier, "week": cycle.week}
    rows = validate(
        {
            "production_logs": (warehouse.frame(LOGS_SQL, week), expect_logs(cycle, spec)),
            "corrections": (warehouse.frame(CORRECTIONS_SQL, week), expect_corrections(spec)),
        }
    )
    return conclude("row_quality", cycle, spec, receipts, decide_row_quality(rows), {})
