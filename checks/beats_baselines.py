"""Check `beats_baselines` on `eval_report`."""

from assets.eval_report import eval_report
from checks.gate import GateContext, GateOutcome, gate
from ratchet.data.label_selection import count_confirming
from ratchet.gates.beats_baselines import decide_baselines
from ratchet.gates.first_model import pair_first
from ratchet.gates.golden_agreement import CONFUSIONS_SQL, labels_of_test


@gate(eval_report)
def beats_baselines(case: GateContext) -> GateOutcome:
    """Passes when the candidate beats majority and its own untuned base, and a first one holds up to simple models.

    A first model has no live adapter to compare with: it fails where a simple one is shown to be better, and has no
    verdict where it is not shown to be within 5 points of the best. Nor has a test with hardly a second label, or of
    live's errors alone. The result says so when a simpler model is enough.
    """
    document = case.reports.read(case.cycle)
    is_probe, test = document["candidate"]["method"] == "probe", document["metrics"]["test"]
    support = {label: figures["support"] for label, figures in test["per_class"].items() if figures["support"]}
    answers = case.warehouse.frame(CONFUSIONS_SQL, case.parameters(adapter=case.noted["adapter"])).to_dict("records")
    selection = count_confirming(labels_of_test(answers))
    others, margin = document["baselines"], case.spec.limits.max_golden_loss
    first = None if document["live"] else pair_first(others, test["n"], margin)
    reached = test["macro_f1"]
    return decide_baselines(reached, others, is_probe=is_probe, support=support, selection=selection, first=first), {}
