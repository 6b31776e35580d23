"""Asset `training_set`: tables `examples` and `dropped` of the warehouse."""

import dagster as dg

from assets.corrected_labels import corrected_labels
from assets.metadata import as_counts, as_table
from assets.partitions import cycle_of, cycles
from ratchet.data.curation import CORRECTED_SQL, curate, digest_examples
from ratchet.data.label_choice import choose_labels
from ratchet.data.split_checks import check_splits
from ratchet.data.splitting import lookback_start
from ratchet.ingest.examples_alone import read_given
from ratchet.storage.golden_set import digest_golden
from ratchet.storage.receipts import Receipts
from ratchet.storage.review.label_rules import LabelRuleFile
from ratchet.storage.rollout.quarantine import Quarantine
from ratchet.storage.specs import Specs
from ratchet.storage.warehouse import Warehouse
from ratchet.workflows.gates.cycle_digests import digest_votes
from ratchet.workflows.gates.cycle_inputs import spec_of_cycle
from ratchet.workflows.review.blocked_rows import queue_thin_classes
from ratchet.workflows.rollout.live_labels import read_live_labels


@dg.asset(partitions_def=cycles, deps=[corrected_labels], kinds={"duckdb"}, group_name="data")
def training_set(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    specs: dg.ResourceParam[Specs],
    receipts: dg.ResourceParam[Receipts],
) -> dg.MaterializeResult[None]:
    """Deduplicated, redacted examples of this cycle, split by time into train, calibration and test.

    Labelled examples without requests train; where no request is labelled yet, they are split by their text.
    """
    cycle = cycle_of(context)
    spec = spec_of_cycle(specs, receipts, cycle, "training_set")
    window = {"classifier": cycle.classifier, "start": lookback_start(cycle, spec.window), "end": cycle.end}
    golden = specs.golden(cycle.classifier)
    read = {
        "policy": spec.digest,
        "golden": digest_golden(golden),
        "labels": digest_votes(warehouse, cycle, spec.window),
    }
    held = Quarantine(receipts.home).state(cycle.classifier)
    rules, texts = LabelRuleFile(receipts.home, cycle.classifier).read(), [item.text for item in golden]
    corrected, given = warehouse.frame(CORRECTED_SQL, window), read_given(warehouse, cycle)
    curated = curate(corrected, cycle, spec, texts, held.weeks, given)
    choice = choose_labels(spec, curated, read_live_labels(receipts.home, cycle.classifier), rules)
    curated = choice.set_aside(curated)
    tables = {"examples": curated.examples, "dropped": curated.dropped, "boilerplate": curated.boilerplate.frame()}
    for table, rows in tables.items():
        warehouse.replace(
            table, cycle.classifier, cycle.week, rows.assign(classifier=cycle.classifier, week=cycle.week)
        )
    queue_thin_classes(receipts.home, warehouse, spec, cycle, curated.describe()["splits"]["train"]["classes"])
    # Checked after the tables are written, so that a cycle that ends here shows its rows and why they were dropped.
    check_splits(curated, spec.narrowed(choice.trained), cycle, choice.orphaned)
    digest = digest_examples(curated.examples)
    quarantined = {
        week: why for week, why in held.describe().items() if str(window["start"])[:10] <= week < str(cycle.week)
    }
    receipts.note(cycle, training_set=digest, data={**curated.describe(), "quarantined": quarantined})
    receipts.link(cycle, "training_set", {"training_set": digest}, **read)
    splits = curated.describe()["splits"]
    return dg.MaterializeResult(
        metadata={
            "dagster/partition_row_count": len(curated.examples),
            "splits": as_table(
                [{"split": name, "n": s["n"], "first": s["first"], "last": s["last"]} for name, s in splits.items()]
            ),
            "classes in train": as_counts(splits["train"]["classes"], "label"),
            "labels that wait": as_counts(curated.labels_waiting, "label"),
            "labels not in classifier.toml": as_counts(curated.labels_left_out, "label"),
            "split by": curated.split_by,
            "labelled examples": curated.describe()["labelled_examples"],
            "dropped": as_counts(curated.describe()["dropped"], "reason"),
            "quarantined weeks": as_counts(quarantined, "week", "blocked by"),
            "set aside in comparisons": as_table(curated.compared["boilerplate"]["blocks"]),
            "redacted": as_counts(curated.redactions, "kind"),
            "digest": digest,
        },
        data_version=dg.DataVersion(digest),
    )
