"""Asset `corrected_labels`: table `labels` of the warehouse."""

from datetime import date

import dagster as dg

from assets.metadata import as_counts
from assets.partitions import cycle_of, cycles
from assets.production_logs import production_logs
from ratchet.data.consensus import CONSENSUS_SQL, COUNTS_SQL
from ratchet.storage.receipts import Receipts
from ratchet.storage.warehouse import Warehouse


@dg.asset(partitions_def=cycles, deps=[production_logs], kinds={"duckdb"}, group_name="data")
def corrected_labels(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse], receipts: dg.ResourceParam[Receipts]
) -> dg.MaterializeResult[None]:
    """Consensus label of each corrected request up to this week; ties wait for adjudication.

    Earlier weeks are computed again, because late corrections belong to the cycle of their request.
    """
    cycle = cycle_of(context)
    labels = warehouse.frame(CONSENSUS_SQL, {"classifier": cycle.classifier, "week": cycle.week})
    labels.insert(0, "classifier", cycle.classifier)
    weeks = {date.fromisoformat(str(week)[:10]): rows for week, rows in labels.groupby("week")}
    warehouse.replace_weeks("labels", cycle.classifier, weeks)
    counts = (
        warehouse.frame(COUNTS_SQL, {"classifier": cycle.classifier, "week": cycle.week})
        .astype(int)
        .to_dict("records")[0]
    )
    mine = weeks.get(cycle.week, labels.iloc[:0])
    counts["labelled"] = int(mine["label"].notna().sum())
    receipts.note(cycle, labels=counts, corrections_seen=warehouse.count("corrections", cycle.classifier))
    return dg.MaterializeResult(
        metadata={
            "dagster/partition_row_count": len(mine),
            "to adjudicate": int((mine["status"] == "adjudicate").sum()),
            "labelled blindly": int(mine["blind"].sum()),
            "labelled by two or more": int((mine["annotators"] > 1).sum()),
            "consensus": as_counts({str(k): int(n) for k, n in mine["label"].value_counts().items()}, "label"),
        }
    )
