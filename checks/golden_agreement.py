"""Check `golden_agreement` on `eval_report`."""

import dagster as dg

from assets.eval_report import eval_report
from assets.partitions import cycle_of
from checks.verdicts import conclude
from ratchet.golden_agreement import CONFUSIONS_SQL, decide_golden_agreement
from ratchet.stores.receipts import Receipts
from ratchet.stores.specs import Specs
from ratchet.stores.warehouse import Warehouse


@dg.asset_check(asset=eval_report, blocking=True, pool="duckdb")
def golden_agreement(
    context: dg.AssetCheckExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    specs: dg.ResourceParam[Specs],
    receipts: dg.ResourceParam[Receipts],
) -> dg.AssetCheckResult:
    """Passes when the week's blind labels mean the same as the golden set's: no class of it is mostly contradicted."""
    cycle = cycle_of(context)
    spec, noted = specs[cycle.classifier], receipts.noted(cycle)
    asked = {"classifier": cycle.classifier, "week": cycle.week, "adapter": noted["adapter"]}
    verdict = decide_golden_agreement(warehouse.frame(CONFUSIONS_SQL, asked).to_dict("records"))
    binds = {key: noted[key] for key in ("adapter", "training_set")} | {"golden": specs.golden_digest(cycle.classifier)}
    return conclude("golden_agreement", cycle, spec, receipts, verdict, binds)
