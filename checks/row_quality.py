"""Check `row_quality` on `corrected_labels`."""

import dagster as dg

from assets.corrected_labels import corrected_labels
from assets.partitions import cycle_of
from assets.production_logs import production_logs
from checks.verdicts import conclude
from ratchet.row_expectations import (
    CORRECTIONS_SQL,
    LOGS_SQL,
    decide_row_quality,
    digest_tables,
    expect_corrections,
    expect_logs,
    validate,
)
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
    logs, corrections = warehouse.frame(LOGS_SQL, week), warehouse.frame(CORRECTIONS_SQL, week)
    tables = {"production_logs": (logs, expect_logs(cycle, spec, logs)), "corrections": (corrections, expect_corrections(spec))}
    verdict = decide_row_quality(validate(tables))
    return conclude("row_quality", cycle, spec, receipts, verdict, {"rows": digest_tables(logs, corrections)})
