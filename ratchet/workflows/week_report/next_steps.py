"""Steps after a week that was stopped: one sentence and the commands, by the gate that stopped it.

Add here the advice of a new gate. The reasons themselves are written by the gates; runbooks are in the docs.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ratchet.workflows.history.week_verdict import WeekVerdict


@dataclass(frozen=True)
class NextSteps:
    """One sentence, and commands to paste."""

    words: str
    commands: tuple[str, ...]


_LABELS = (
    "The requests below wait in the review queue. Once they are decided, run the week again; its labels neither train"
    " nor judge until it passes."
)
_MODEL = "The data was good enough, the candidate was not: live goes on, and nothing has to be done today."
_WORDS: Mapping[str, str] = {
    "row_quality": "Fix the export or the rows that are named, ingest them again, then run the week again.",
    "label_agreement": _LABELS,
    "colluding_annotators": "Look at the people who are named before anything else, then run the week again.",
    "golden_agreement": _LABELS,
    "label_distribution": "See whether the mix really changed. If it did, give the new label examples to train on.",
    "leakage": "Texts that judge were found in training. Decide which of the two they are, then run the week again.",
    "target_plan": "No candidate fits a target: change the candidates or the limits, then run the week again.",
    "target_fit": "The candidate does not fit its target: try a smaller one, or change the target's limits.",
    "trigger_scan": "A new phrase decides the answer by itself. Look at the rows below and at who labelled them.",
    "identity_attacks": "A gate let a known attack through: report it, and promote nothing until it is explained.",
    "beats_baselines": f"{_MODEL} A simpler model does as well: use it, or give the candidate more labels.",
    "golden_set_regression": f"{_MODEL} More labels of the classes that lost items help most.",
    "calibration_regression": f"{_MODEL} Its confidences are worse than those of live.",
    "slices": f"{_MODEL} One slice lost: give it labels.",
}
_CAN_RELEASE = frozenset({"row_quality", "label_agreement", "golden_agreement"})


def find_next_steps(classifier: str, week: str, verdict: WeekVerdict) -> NextSteps | None:
    """Return what to do about a week; None for one that passed."""
    again = f"ratchet cycle {classifier} --week {week}"
    if verdict.word == "passed":
        return None
    if verdict.word != "blocked":
        return NextSteps("Fix the cause that is named, then run the week again: what was done is kept.", (again,))
    words = _WORDS.get(verdict.gate, "Fix what it names, then run the week again.")
    review = (f"ratchet review {classifier}",) if words == _LABELS else ()
    release = (
        (f'ratchet unquarantine {classifier} --week {week} --why "reviewed"',) if verdict.gate in _CAN_RELEASE else ()
    )
    return NextSteps(words, (*review, again, *release))
