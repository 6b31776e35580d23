"""Asset `corrected_labels`: table `labels` of the warehouse."""

from datetime import date
from typing import Any

import dagster as dg
import pandas as pd

from assets.metadata import as_counts, as_table
from assets.partitions import cycle_of, cycles
from assets.production_logs import production_logs
from ratchet.core.cycle import Cycle
from ratchet.data.consensus import CONSENSUS_OF_VOTES_SQL, COUNTS_SQL, VOTES_SQL
from ratchet.data.judging import count_labels, describe_team
from ratchet.gates.adjudication import MEASURED_SQL, judge_weeks_adjudicated, left_out_rows
from ratchet.gates.label_distribution import SERVED_SQL
from ratchet.ingest.one_sided_weeks import describe_week
from ratchet.storage.receipts import Receipts
from ratchet.storage.review.label_rules import LabelRuleFile
from ratchet.storage.review.suspensions import Suspensions
from ratchet.storage.specs import Specs
from ratchet.storage.warehouse import Warehouse
from ratchet.workflows.gates.cycle_digests import digest_votes
from ratchet.workflows.gates.cycle_inputs import spec_of_cycle
from ratchet.workflows.review.label_rows import ask_about_splits
from ratchet.workflows.review.people import renew_people


@dg.asset(partitions_def=cycles, deps=[production_logs], kinds={"duckdb"}, group_name="data")
def corrected_labels(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    specs: dg.ResourceParam[Specs],
    receipts: dg.ResourceParam[Receipts],
) -> dg.MaterializeResult[None]:
    """Consensus label of each corrected request up to this week; a tie has no label, and is counted.

    Earlier weeks are computed again, because late corrections belong to the cycle of their request.
    """
    cycle = cycle_of(context)
    Suspensions(receipts.home, cycle.classifier).standing()  # one that cannot be believed ends the cycle here
    spec = spec_of_cycle(specs, receipts, cycle, "corrected_labels")
    rules = LabelRuleFile(receipts.home, cycle.classifier).read()
    params = {"classifier": cycle.classifier, "week": cycle.week}
    # The votes are kept before the labels are made of them: corrections go on arriving, and gates judge these votes.
    _replace(warehouse, "votes", cycle, warehouse.frame(VOTES_SQL, params))
    votes = warehouse.frame(MEASURED_SQL, {**params, "first": date.min})
    decided = judge_weeks_adjudicated(votes, spec.limits.min_agreement)
    left_out = pd.DataFrame(left_out_rows(decided), columns=["week", "annotator", "right", "measured"])
    _replace(warehouse, "left_out", cycle, left_out)
    labels = warehouse.frame(CONSENSUS_OF_VOTES_SQL, {**params, "first": date.min})
    weeks = _replace(warehouse, "labels", cycle, labels)
    made = {"labels": digest_votes(warehouse, cycle, spec.window)}
    receipts.link(cycle, "corrected_labels", made, policy=spec.digest, **receipts.made(cycle, "logs"))
    counts: dict[Any, Any] = warehouse.frame(COUNTS_SQL, params).astype(int).to_dict("records")[0]
    mine = weeks.get(cycle.week, labels.iloc[:0])
    counts |= count_labels(mine)
    counts["selection"] = describe_week(warehouse, cycle.classifier, cycle.week)
    served = warehouse.frame(SERVED_SQL, params).set_index("label")["requests"]
    unlisted = {str(label): int(n) for label, n in served.items() if label not in spec.labels}
    counts["served_unlisted"] = unlisted
    renew_people(receipts.home, cycle.classifier, warehouse)
    ask_about_splits(receipts.home, warehouse, spec, rules, writer="cycle")
    receipts.note(cycle, labels=counts, corrections_seen=warehouse.count_corrections(cycle.classifier))
    return dg.MaterializeResult(
        metadata={
            "dagster/partition_row_count": len(mine),
            "to adjudicate": counts["to_adjudicate"],
            "adjudicated": counts["adjudicated"],
            "labels that judge, and that only train": f"{counts['judging']}, {counts['only_train']}",
            "annotators left out of a week": as_table(left_out.drop(columns="classifier")),
            "team": describe_team(counts) or f"{counts['people']} people labelled",
            "labelled blindly": int(mine["blind"].sum()),
            "selection": counts["selection"] or "labels confirm what was served, or are too few to tell",
            "labelled by two or more": int((mine["annotators"] > 1).sum()),
            "served labels not in classifier.toml": as_counts(unlisted, "label"),
            "consensus": as_counts({str(k): int(n) for k, n in mine["label"].value_counts().items()}, "label"),
        }
    )


def _replace(warehouse: Warehouse, table: str, cycle: Cycle, rows: pd.DataFrame) -> dict[date, pd.DataFrame]:
    """Replace every week up to this one in `table` by `rows`; return them by week.

    A week that lost its last vote, since its only annotator is suspended, is emptied.
    """
    rows.insert(0, "classifier", cycle.classifier)
    weeks = {date.fromisoformat(str(week)[:10]): part for week, part in rows.groupby("week")}
    kept = f"SELECT DISTINCT week FROM {table} WHERE classifier = $classifier AND week <= $week"
    before = warehouse.frame(kept, {"classifier": cycle.classifier, "week": cycle.week})["week"]
    for week in (date.fromisoformat(str(each)[:10]) for each in before):
        weeks.setdefault(week, rows.iloc[:0])
    warehouse.replace_weeks(table, cycle.classifier, weeks)
    return weeks
