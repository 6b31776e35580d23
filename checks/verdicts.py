"""From a verdict to what Dagster shows, and to the receipt.

Add here what all checks share; what a check means is said in its own file, how it decides in `ratchet/`.
"""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import dagster as dg

from assets.describe import as_table
from ratchet.cycle import Cycle
from ratchet.gates import Verdict
from ratchet.spec import Spec
from ratchet.stores.receipts import Receipts


def conclude(
    gate: str, cycle: Cycle, spec: Spec, receipts: Receipts, verdict: Verdict, binds: Mapping[str, Any]
) -> dg.AssetCheckResult:
    """Write the receipt of `gate` and return its result; only a failed verdict has a severity that blocks."""
    receipt = receipts.write(cycle, gate, verdict, {**binds, "policy": spec.digest, "code": version("ratchet")})
    failed = verdict.outcome == "failed"
    return dg.AssetCheckResult(
        check_name=gate,
        passed=verdict.outcome == "passed",
        severity=dg.AssetCheckSeverity.ERROR if failed else dg.AssetCheckSeverity.WARN,
        description=verdict.reason,
        metadata={
            "verdict": verdict.outcome,
            "cycle": f"{cycle.classifier} {cycle.week}",
            "evidence": as_table([{"what": key, "value": str(value)[:300]} for key, value in verdict.evidence.items()]),
            "receipt": receipt.digest,
        },
    )
