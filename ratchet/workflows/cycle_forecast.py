"""Forecast: what a cycle would find and cost, before it runs.

Add here what can be said of a cycle in advance. Where the rows come from is `ratchet/workflows/plan_cycle.py`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ratchet.config.candidate import Candidate
from ratchet.config.policy import Limits
from ratchet.metrics.intervals import smallest_excludable_share
from ratchet.training.cost_estimate import JUDGED_PER_S, PastTraining, TrainingTime, estimate_training

_FIXED_S = 45.0
"""Everything but training and the answers to texts, from imports to the report, on two cores."""
_LAUNCH_S = 10.0
"""Of them, what no stage counts: from the command to its first stage, and to its end."""
_TIMES_JUDGED = {"encoder": 4, "causal": 3}
"""How often a held-out text is asked: of probe, candidate, live and base; a causal candidate leaves the probe to the
encoder."""
_COMPARED = {"encoder": 0, "causal": 350}
"""Further texts' worth of the comparison with the untuned base: few-shot prompts, single calls, written confidence."""


def estimate_trainings(
    candidates: Sequence[Candidate], splits: Mapping[str, int], past: Sequence[PastTraining] = ()
) -> list[TrainingTime]:
    """What each candidate's training takes, by the sizes of the splits and the earlier trainings, newest first."""
    return [estimate_training(candidate, splits["train"], splits["calibration"], past) for candidate in candidates]


def estimate_rest(candidates: Sequence[Candidate], splits: Mapping[str, int], past_s: float | None = None) -> float:
    """Seconds of a cycle beside its training: where there is one, as the stages of an earlier cycle with the same
    families took.

    Without one, as the slowest family is judged: any candidate may turn out best.
    """
    if past_s is not None:
        return _LAUNCH_S + past_s
    held_out = splits["test"] + splits["golden"]
    judged = [
        (_TIMES_JUDGED[family] * held_out + _COMPARED[family]) / JUDGED_PER_S[family]
        for family in sorted({candidate.family for candidate in candidates})
    ]
    return _FIXED_S + splits["train"] / JUDGED_PER_S["encoder"] + max(judged, default=0.0)


def describe_golden_power(golden: Mapping[str, int], limits: Limits) -> dict[str, Any]:
    """What a golden set with these items by label can decide: the smallest loss it excludes at 95 % when nothing is
    lost.

    `golden` maps labels to counts. `weak` names the classes in which even no loss excludes nothing below the limit.
    """
    total = sum(golden.values())
    by_class = {label: smallest_excludable_share(n) for label, n in golden.items()}
    weak = [label for label, share in by_class.items() if share > limits.max_golden_loss]
    overall = smallest_excludable_share(total)
    able = "can" if overall <= limits.max_golden_loss else "cannot"
    sentence = (
        f"With none of {total} golden items lost, a true loss of {overall:.1%} or more is excluded at 95 % confidence: "
        f"the golden set {able} tell a loss of {limits.max_golden_loss:.0%} (limits.max_golden_loss) over all."
    )
    if weak:
        sentence += f" Alone it cannot within {len(weak)} of {len(golden)} classes."
    return {"smallest_excludable_loss": overall, "by_class": by_class, "weak": weak, "sentence": sentence}
