"""Asset `eval_report`: `reports/<week>/eval_report.json` and `.html`, and table `predictions` of the warehouse."""

import dagster as dg

from assets.calibration_temperature import calibration_temperature
from assets.metadata import as_table, stage_seconds
from assets.page_links import links_to_pages
from assets.partitions import cycle_of, cycles
from assets.report_series import series_of
from ratchet.data.curation import SENT_SQL, digest_examples
from ratchet.data.label_choice import trained_labels
from ratchet.evaluation.eval_report import build_report, list_test_errors
from ratchet.evaluation.evaluate import gather_judgement, prediction_rows, read_splits
from ratchet.gates.label_distribution import SERVED_SQL
from ratchet.ingest.row_counts import outside_of
from ratchet.models.inference.predictor import load_predictor
from ratchet.storage.frontier_cache import open_frontier
from ratchet.storage.golden_set import digest_golden
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.reports import Reports
from ratchet.storage.review.label_rules import LabelRuleFile
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.specs import Specs
from ratchet.storage.warehouse import Warehouse
from ratchet.workflows.gates.cycle_digests import digest_answers
from ratchet.workflows.gates.cycle_inputs import spec_of_cycle
from ratchet.workflows.gates.earlier_cycles import load_anchor, load_seen_slices
from ratchet.workflows.gates.past_answers import read_past_answers
from ratchet.workflows.gates.scan_triggers import scan_triggers
from ratchet.workflows.golden_use import note_look


@dg.asset(partitions_def=cycles, deps=[calibration_temperature], kinds={"json", "html"}, group_name="model")
def eval_report(
    context: dg.AssetExecutionContext,
    home: dg.ResourceParam[Home],
    warehouse: dg.ResourceParam[Warehouse],
    specs: dg.ResourceParam[Specs],
    adapters: dg.ResourceParam[AdapterStore],
    receipts: dg.ResourceParam[Receipts],
    ledger: dg.ResourceParam[Ledger],
    reports: dg.ResourceParam[Reports],
) -> dg.MaterializeResult[None]:
    """Evaluation of candidate, live and baselines on this week's blind corrections and on the golden set."""
    cycle = cycle_of(context)
    whole, golden = spec_of_cycle(specs, receipts, cycle, "eval_report"), specs.golden(cycle.classifier)
    noted, live = receipts.noted(cycle), ledger.live(cycle.classifier)
    spec = whole.narrowed(trained_labels(whole, noted))
    rows = warehouse.frame(SENT_SQL, {"classifier": cycle.classifier, "week": cycle.week})
    read = {"policy": spec.digest, "golden": digest_golden(golden), "plan": noted["plan"], "adapter": noted["adapter"]}
    splits = read_splits(rows, golden, spec.labels)
    served = warehouse.frame(SERVED_SQL, {"classifier": cycle.classifier, "week": cycle.week})
    rules = LabelRuleFile(home, cycle.classifier).read()
    items = [(text, spec.labels[i]) for text, i in zip(splits["golden"].texts, splits["golden"].labels, strict=True)]
    candidate = load_predictor(adapters.open(cycle.classifier, noted["adapter"]))
    standing = load_predictor(adapters.open(cycle.classifier, live)) if live else None
    scan = scan_triggers(home, warehouse, cycle, golden, candidate, standing)
    receipts.note(cycle, trigger_scan=scan.evidence)
    verdicts = {gate: receipt.verdict for gate, receipt in receipts.read(cycle).items()}
    judgement = gather_judgement(
        cycle,
        spec,
        splits,
        candidate=candidate,
        live=standing,
        live_digest=live,
        noted=noted,
        training=home.training(cycle.classifier) / noted["plan"][:16],
        verdicts={**verdicts, "trigger_scan": scan},
        timings_s=stage_seconds(context),
        frontier=open_frontier(home, cycle, spec),
        requests=dict(zip(served["label"], served["requests"].astype(int).tolist(), strict=True)),
        rules=rules,
        before=read_past_answers(warehouse, cycle, noted, rules),
        anchor=load_anchor(home, warehouse, cycle, items, live),
        slices_before=load_seen_slices(home, cycle),
    )
    acting = {"acting": noted.get("acting", [])}
    document = {**build_report(judgement), **acting, "rows": outside_of(home, cycle.classifier)}
    document["traffic"] = noted.get("traffic", {})
    document["golden"] |= note_look(home, cycle, golden, noted["adapter"])
    warehouse.replace("predictions", cycle.classifier, cycle.week, prediction_rows(judgement))
    page = reports.write(cycle, document, list_test_errors(judgement))
    made = {"answers": digest_answers(warehouse, cycle)}
    receipts.link(cycle, "eval_report", made, **read, training_set=digest_examples(rows))
    shown = ("n", "macro_f1", "accuracy", "ece", "brier", "nll")
    return dg.MaterializeResult(
        metadata={
            "verdict": document["verdict"]["sentence"],
            "figures": as_table(
                [{"split": name, **{key: s[key] for key in shown}} for name, s in document["metrics"].items()]
            ),
            "baselines": as_table([{"baseline": name, **s} for name, s in document["baselines"].items()]),
            "base, tuned and frontier": (document["three_way"] or {}).get(
                "verdict", "Not compared: evaluation.max_texts = 0."
            ),
            "report": dg.MetadataValue.path(str(page)),
            **links_to_pages(home, cycle),
            **series_of(
                document, receipts.noted(cycle), {n: v.evidence for n, v in verdicts.items()}, stage_seconds(context)
            ),
        }
    )
