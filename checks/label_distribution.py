"""Check `label_distribution` on `training_set`."""

import dagster as dg

from assets.partitions import cycle_of
from assets.training_set import training_set
from checks.verdicts import conclude
from ratchet.distribution import CONSENSUS_COUNTS_SQL, decide_distribution
from ratchet.stores.receipts import Receipts
from ratchet.stores.specs import Specs
from ratchet.stores.warehouse import Warehouse


@dg.asset_check(asset=training_set, blocking=True, pool="duckdb")
def label_distribution(
    context: dg.AssetCheckExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    specs: dg.ResourceParam[Specs],
    receipts: dg.ResourceParam[Receipts],
) -> dg.AssetCheckResult:
    """Passes when every label occurs in train and train is mixed like the week's corrected production."""
    cycle = cycle_of(context)
    spec, noted = specs[cycle.classifier], receipts.noted(cycle)
    counts = warehouse.frame(CONSENSUS_COUNTS_SQL, {"classifier": cycle.classifier, "week": cycle.week})
    production = dict(zip(counts["label"], counts["n"].astype(int).tolist(), strict=True))
    train = noted["data"]["splits"]["train"]["classes"]
    verdict = decide_distribution(train, production, spec.labels, spec.limits.max_label_divergence)
    return conclude("label_distribution", cycle, spec, receipts, verdict, {"training_set": noted["training_set"]})
