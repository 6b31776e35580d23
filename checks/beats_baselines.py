"""Check `beats_baselines` on `eval_report`."""

from assets.eval_report import eval_report
from checks.gate import GateContext, GateOutcome, gate
from ratchet.gates.beats_baselines import decide_baselines


@gate(eval_report)
def beats_baselines(case: GateContext) -> GateOutcome:
    """Passes when the candidate beats the majority class and its own untuned base.

    A test that hardly has a second label gives no verdict. The result says so when a simpler model is enough.
    """
    document = case.reports.read(case.cycle)
    is_probe, test = document["candidate"]["method"] == "probe", document["metrics"]["test"]
    support = {label: figures["support"] for label, figures in test["per_class"].items() if figures["support"]}
    return decide_baselines(test["macro_f1"], document["baselines"], is_probe=is_probe, support=support), {}
