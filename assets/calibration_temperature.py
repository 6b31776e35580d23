"""Asset `calibration_temperature`: sealed adapter folder that contains the temperature."""

import dagster as dg

from assets.adapter import adapter
from assets.metadata import as_counts, as_table
from assets.partitions import cycle_of, cycles
from ratchet.data.curation import EXAMPLES_SQL, digest_examples
from ratchet.data.judging import DRAWN_TEST_SQL
from ratchet.metrics.calibration import fit_calibration
from ratchet.models.inference.predictor import load_predictor
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.specs import Specs
from ratchet.storage.warehouse import Warehouse
from ratchet.training.result import read_result
from ratchet.workflows.fit_acting import fit_acting
from ratchet.workflows.gates.cycle_inputs import spec_of_cycle


@dg.asset(partitions_def=cycles, deps=[adapter], kinds={"scipy"}, group_name="model")
def calibration_temperature(
    context: dg.AssetExecutionContext,
    home: dg.ResourceParam[Home],
    warehouse: dg.ResourceParam[Warehouse],
    specs: dg.ResourceParam[Specs],
    adapters: dg.ResourceParam[AdapterStore],
    receipts: dg.ResourceParam[Receipts],
) -> dg.MaterializeResult[None]:
    """Temperature fitted on examples that the adapter never saw; with it the adapter is sealed under its digest."""
    cycle = cycle_of(context)
    spec = spec_of_cycle(specs, receipts, cycle, "calibration_temperature")
    plan = receipts.noted(cycle)["plan"]
    weights = read_result(home.training(cycle.classifier) / plan[:16]).best_folder
    examples = warehouse.frame(EXAMPLES_SQL, {"classifier": cycle.classifier, "week": cycle.week})
    rows = examples.query("split == 'calibration'")
    predictor = load_predictor(weights)
    labels = rows["label"].map(predictor.labels.index).to_numpy(dtype="int64")
    calibration = fit_calibration(predictor.logits(list(rows["text"])), labels, max_ece=spec.limits.max_ece)
    drawn = warehouse.frame(DRAWN_TEST_SQL, {"classifier": cycle.classifier, "week": cycle.week})
    acting, records = fit_acting(home, spec, predictor, calibration, drawn)
    sealed = {"calibration": calibration.as_json(), **({"thresholds": acting} if acting else {})}
    digest = adapters.seal(cycle.classifier, weights, sealed)
    receipts.note(cycle, adapter=digest, calibration=calibration.as_json(), acting=records)
    read = {"policy": spec.digest, "plan": plan, "training_set": digest_examples(examples)}
    receipts.link(cycle, "calibration_temperature", {"adapter": digest}, **read)
    return dg.MaterializeResult(
        metadata={
            "temperature": calibration.temperature,
            "calibration": as_counts({**calibration.as_json(), "curves": len(calibration.curves)}, "name", "value"),
            "thresholds for acting": as_table(records) if records else "no [[action]] promises anything",
            "adapter": digest,
            "folder": dg.MetadataValue.path(str(home.adapters(cycle.classifier) / digest)),
        },
        data_version=dg.DataVersion(digest),
    )
