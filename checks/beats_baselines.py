"""Check `beats_baselines` on `eval_report`."""

import dagster as dg

from assets.eval_report import eval_report
from assets.partitions import cycle_of
from checks.verdicts import conclude
from ratchet.baselines import decide_baselines
from ratchet.stores.receipts import Receipts
from ratchet.stores.reports import Reports
from ratchet.stores.specs import Specs


@dg.asset_check(asset=eval_report, blocking=True)
def beats_baselines(
    context: dg.AssetCheckExecutionContext,
    reports: dg.ResourceParam[Reports],
    specs: dg.ResourceParam[Specs],
    receipts: dg.ResourceParam[Receipts],
) -> dg.AssetCheckResult:
    """Passes when the candidate beats the majority class and its own untuned base; says so when a simpler model is enough."""
    cycle = cycle_of(context)
    document, noted = reports.read(cycle), receipts.noted(cycle)
    verdict = decide_baselines(document["metrics"]["test"]["macro_f1"], document["baselines"])
    binds = {key: noted[key] for key in ("adapter", "training_set")}
    return conclude("beats_baselines", cycle, specs[cycle.classifier], receipts, verdict, binds)
