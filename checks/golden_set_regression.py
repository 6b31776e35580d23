"""Check `golden_set_regression` on `eval_report`."""

import dagster as dg

from assets.eval_report import eval_report
from assets.partitions import cycle_of
from checks.verdicts import conclude
from ratchet.regression import GOLDEN_SQL, decide_regression, read_answers
from ratchet.stores.receipts import Receipts
from ratchet.stores.specs import Specs
from ratchet.stores.warehouse import Warehouse


@dg.asset_check(asset=eval_report, blocking=True, pool="duckdb")
def golden_set_regression(
    context: dg.AssetCheckExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    specs: dg.ResourceParam[Specs],
    receipts: dg.ResourceParam[Receipts],
) -> dg.AssetCheckResult:
    """Passes when at most 5 % of the golden items that live gets right are lost, over all and within each class; names the lost."""
    cycle = cycle_of(context)
    spec, noted = specs[cycle.classifier], receipts.noted(cycle)
    rows = warehouse.frame(GOLDEN_SQL, {"classifier": cycle.classifier, "week": cycle.week, "adapter": noted["adapter"]})
    verdict = decide_regression(read_answers(rows.to_dict("records")), spec.limits)
    binds = {key: noted[key] for key in ("adapter", "training_set")} | {"golden": specs.golden_digest(cycle.classifier)}
    return conclude("golden_set_regression", cycle, spec, receipts, verdict, binds)
