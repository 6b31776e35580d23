"""Asset `gate_audit`: key `gate_audit` of the eval report."""

import dagster as dg

from assets.eval_report import eval_report
from assets.metadata import as_table, stage_seconds
from assets.partitions import cycle_of, cycles
from ratchet.core.digests import digest_json
from ratchet.evaluation.gate_audit.matrix import conclude, table_of_audit
from ratchet.gates.identity_attacks import decide_identity_attacks
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.storage.reports import Reports
from ratchet.storage.specs import Specs
from ratchet.storage.warehouse import Warehouse
from ratchet.workflows.gate_audit.audit import SHARE, audit_gates
from ratchet.workflows.gate_audit.case import read_case
from ratchet.workflows.gates.cycle_inputs import spec_of_cycle


@dg.asset(partitions_def=cycles, deps=[eval_report], kinds={"json", "html"}, group_name="model")
def gate_audit(
    context: dg.AssetExecutionContext,
    home: dg.ResourceParam[Home],
    warehouse: dg.ResourceParam[Warehouse],
    specs: dg.ResourceParam[Specs],
    receipts: dg.ResourceParam[Receipts],
    reports: dg.ResourceParam[Reports],
) -> dg.MaterializeResult[None]:
    """Attacks on this cycle's gates, and what each gate did with them; it takes at most a fifth of the cycle's time."""
    cycle = cycle_of(context)
    spec = spec_of_cycle(specs, receipts, cycle, "gate_audit")
    document = reports.read(cycle)
    case = read_case(home, warehouse, cycle, spec, specs.golden(cycle.classifier), document)
    allowed_s = SHARE * sum(stage_seconds(context).values())
    audit = audit_gates(case, allowed_s)
    identity = [row for row in audit["rows"] if row["kind"] == "identity"]
    verdict = decide_identity_attacks(identity)
    page = reports.write(cycle, {**document, "gate_audit": audit, **conclude(document, verdict)})
    receipts.note(cycle, identity_attacks=verdict.evidence["attacks"])
    read = receipts.made(cycle, "training_set", "adapter", "answers")
    receipts.link(cycle, "gate_audit", {"audit": digest_json(verdict.evidence)}, policy=case.spec.digest, **read)
    return dg.MaterializeResult(
        metadata={
            "verdict": verdict.reason,
            "attacks": as_table(table_of_audit(audit)),
            "sentence": audit["sentence"],
            "time": audit["time_sentence"],
            "report": dg.MetadataValue.path(str(page)),
        }
    )
