"""Forecast of a cycle: its training time, its other time, and the power of its golden set, before it runs.

Add another forecast here. The rows come from `ratchet/workflows/plan_cycle.py`.
"""

from collections.abc import Mapping, Sequence
from math import ceil, log2
from typing import Any

from ratchet.config.candidate import Candidate
from ratchet.config.policy import Limits
from ratchet.gates.paired_rule import ASSUMED_CHURN, CLASS_ALPHA, describe_reach
from ratchet.metrics.intervals import smallest_excludable_share
from ratchet.metrics.paired_difference import smallest_margin
from ratchet.training.cost_estimate import JUDGED_PER_S, PastTraining, TrainingTime, estimate_training

_FIXED_S = 45.0
"""Seconds of a cycle beside training and answering texts, from imports to the report, on two cores."""
_LAUNCH_S = 10.0
"""Seconds of them that no stage counts: before the first stage and after the last one."""
_TIMES_JUDGED = {"encoder": 4, "causal": 3}
"""Models that answer each held-out text: probe, candidate, live and base; of a causal cycle the probe is an encoder."""
_COMPARED = {"encoder": 0, "causal": 350}
"""Texts' worth of the comparison with the untuned base: few-shot prompts, single calls, written confidence."""


def estimate_trainings(
    candidates: Sequence[Candidate], splits: Mapping[str, int], past: Sequence[PastTraining] = ()
) -> list[TrainingTime]:
    """Estimate each candidate's training time from the sizes of the splits and the earlier trainings, newest first."""
    return [estimate_training(candidate, splits["train"], splits["calibration"], past) for candidate in candidates]


def estimate_rest(candidates: Sequence[Candidate], splits: Mapping[str, int], past_s: float | None = None) -> float:
    """Estimate the seconds of a cycle beside its training.

    `past_s` are those of the stages of an earlier cycle with the same families. Without them, the estimate is that of
    the slowest family, since any candidate may turn out best.
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
    """Describe what a golden set can show where one answer in ten differs from live's, over all and within a class.

    `golden` maps labels to counts. `weak` names the classes too small to show a loss of the limit by the exact test,
    `by_class` holds the smallest loss that each can show, where nothing is gained; `smallest_excludable_loss` is that
    which the whole set excludes at 95 % when no item is lost, the bound at no churn.
    """
    n, losses = sum(golden.values()), ceil(log2(len(golden) / CLASS_ALPHA)) if golden else 0
    by_class = {label: min(1.0, losses / each) if each else 1.0 for label, each in golden.items()}
    weak = [label for label, share in by_class.items() if share > limits.max_golden_loss]
    overall = smallest_excludable_share(n)
    loss = f"{100 * limits.max_golden_loss:g} %"
    article = "an" if loss.startswith("8") or loss.partition(" ")[0] in {"11", "18"} else "a"
    enough = smallest_margin(n, ASSUMED_CHURN) <= limits.max_golden_loss
    sentence = f"{'Large enough' if enough else 'Too small'} to detect {article} {loss} overall loss"
    if weak:
        inside = f"one inside a single class ({len(weak)} of {len(golden)})"
        sentence += f"; too small to detect {inside}" if enough else f", or {inside}"
    sentence += f". {describe_reach(n, None, limits.max_golden_loss)}"
    return {"smallest_excludable_loss": overall, "by_class": by_class, "weak": weak, "sentence": sentence}
