"""Check `beats_baselines` on `eval_report`."""

from assets.eval_report import eval_report
from checks.gate import GateContext, GateOutcome, gate
from ratchet.data.label_selection import count_confirming
from ratchet.gates.beats_baselines import decide_baselines
from ratchet.gates.golden_agreement import CONFUSIONS_SQL, labels_of_test


@gate(eval_report)
def beats_baselines(case: GateContext) -> GateOutcome:
    """Passes when the candidate beats the majority class and its own untuned base.

    A test that hardly has a second label, or holds labels of live's errors alone, gives no verdict. The result says so
    when a simpler model is enough.
    """
    document = case.reports.read(case.cycle)
    is_probe, test = document["candidate"]["method"] == "probe", document["metrics"]["test"]
    support = {label: figures["support"] for label, figures in test["per_class"].items() if figures["support"]}
    answers = case.warehouse.frame(CONFUSIONS_SQL, case.parameters(adapter=case.noted["adapter"])).to_dict("records")
    selection = count_confirming(labels_of_test(answers))
    reached, others = test["macro_f1"], document["baselines"]
    return decide_baselines(reached, others, is_probe=is_probe, support=support, selection=selection), {}
