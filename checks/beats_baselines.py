"""Check `beats_baselines` on `eval_report`."""

from assets.eval_report import eval_report
from checks.gate import GateContext, GateOutcome, gate
from ratchet.gates.beats_baselines import decide_baselines


@gate(eval_report)
def beats_baselines(case: GateContext) -> GateOutcome:
    """Passes when the candidate beats the majority class and its own untuned base.

    The result says so when a simpler model is enough.
    """
    document = case.reports.read(case.cycle)
    is_probe = document["candidate"]["method"] == "probe"
    reached = document["metrics"]["test"]["macro_f1"]
    return decide_baselines(reached, document["baselines"], is_probe=is_probe), {}
