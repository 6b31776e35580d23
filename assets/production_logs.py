"""Asset `production_logs`: table `production_logs` of the warehouse."""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from assets.metadata import as_table
from assets.partitions import cycle_of, cycles
from ratchet.core.cycle import skip_reason
from ratchet.core.errors import RatchetError
from ratchet.gates.label_distribution import SERVED_SQL
from ratchet.ingest.examples_alone import cycle_weeks
from ratchet.ingest.landing import Landing
from ratchet.storage.receipts import Receipts
from ratchet.storage.rollout.quarantine import Quarantine
from ratchet.storage.specs import Specs
from ratchet.storage.warehouse import Warehouse
from ratchet.workflows.gates.cycle_digests import digest_logs
from ratchet.workflows.review.enqueue import forget_old_texts
from ratchet.workflows.rollout.nominate import actor
from ratchet.workflows.week_traffic import measure_traffic


@dg.asset(partitions_def=cycles, kinds={"duckdb", "parquet"}, group_name="data", output_required=False)
def production_logs(
    context: dg.AssetExecutionContext,
    landing: dg.ResourceParam[Landing],
    warehouse: dg.ResourceParam[Warehouse],
    specs: dg.ResourceParam[Specs],
    receipts: dg.ResourceParam[Receipts],
) -> Iterator[dg.MaterializeResult[None] | dg.AssetObservation]:
    """Requests of this week as they were served, each once, ingested from the landing folders.

    A week without traffic, of a classifier that has some, makes nothing: all that follows is skipped.
    """
    cycle = cycle_of(context)
    spec = specs[cycle.classifier]
    Quarantine(receipts.home).adopt(cycle.classifier, str(cycle.week), actor())
    receipts.clear(cycle)  # a cycle that begins again must not be judged by the receipts of its last attempt
    intakes = landing.take(spec)
    forgotten = forget_old_texts(receipts.home, cycle.classifier, spec, datetime.now(UTC))
    summary = warehouse.frame(SERVED_SQL, {"classifier": cycle.classifier, "week": cycle.week})
    if not len(summary) and cycle.week not in cycle_weeks(warehouse, cycle.classifier):
        weeks = warehouse.weeks(cycle.classifier)
        if quiet := skip_reason(cycle, weeks, datetime.now(UTC).date()):
            context.log.info(quiet)
            yield dg.AssetObservation(context.asset_key, metadata={"skipped": quiet}, partition=context.partition_key)
            return
        raise RatchetError(
            f"no production log of {cycle.classifier} in the week of {cycle.week}.",
            f"Weeks with logs: {min(weeks)} to {max(weeks)}." if weeks else "Ingest logs first: 'ratchet ingest'.",
            code="no_logs",
        )
    read = {"policy": spec.digest}
    if receipts.home.golden(cycle.classifier).exists():  # noted from the first step on, so that no change passes unseen
        read["golden"] = specs.golden_digest(cycle.classifier)
    receipts.link(cycle, "production_logs", {"logs": digest_logs(warehouse, cycle)}, **read)
    traffic = measure_traffic(receipts.home, warehouse, spec, cycle)
    receipts.note(cycle, traffic=traffic)
    yield dg.MaterializeResult(
        metadata={
            "dagster/partition_row_count": int(summary["requests"].sum()),
            "by served label": as_table(summary),
            "files ingested": len(intakes),
            "rows accepted": sum(intake.accepted for intake in intakes),
            "rows rejected": sum(intake.rejected for intake in intakes),
            "review logs removed by age": len(forgotten),
            "values left out": sum(sum(intake.nulled.values()) for intake in intakes),
        }
    )
