"""Check `leakage` on `training_set`."""

import dagster as dg

from assets.partitions import cycle_of
from assets.training_set import training_set
from checks.verdicts import conclude
from ratchet.curation import EXAMPLES_SQL, digest_examples
from ratchet.leakage import decide_leakage, find_leaks
from ratchet.redaction import redact
from ratchet.stores.receipts import Receipts
from ratchet.stores.specs import Specs
from ratchet.stores.warehouse import Warehouse


@dg.asset_check(asset=training_set, blocking=True, pool="duckdb")
def leakage(
    context: dg.AssetCheckExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    specs: dg.ResourceParam[Specs],
    receipts: dg.ResourceParam[Receipts],
) -> dg.AssetCheckResult:
    """Passes when nothing in test, calibration or golden occurs in train, exactly or nearly; names the first ten otherwise."""
    cycle = cycle_of(context)
    spec = specs[cycle.classifier]
    rows = warehouse.frame(EXAMPLES_SQL, {"classifier": cycle.classifier, "week": cycle.week})
    in_train = rows["split"] == "train"
    train, held_out = (
        [*part[["request_id", "text"]].itertuples(index=False, name=None)] for part in (rows[in_train], rows[~in_train])
    )
    golden = [(f"golden-{n}", redact(item.text)) for n, item in enumerate(specs.golden(cycle.classifier), start=1)]
    leaks = find_leaks(train, held_out + golden, spec.limits.near_duplicate_jaccard)
    verdict = decide_leakage(leaks, len(train), len(held_out) + len(golden), spec.limits.near_duplicate_jaccard)
    return conclude("leakage", cycle, spec, receipts, verdict, {"training_set": digest_examples(rows)})
