"""Forecast: what a cycle would find and cost, before it runs.

Add here what can be said of a cycle in advance. Where the rows come from is `ratchet/stores/foresight.py`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ratchet.candidate import Candidate
from ratchet.intervals import smallest_excludable_share
from ratchet.policy import Limits

_FIXED_S = 45.0
"""Everything but training, from imports to the report, on two cores."""
_LORA_EXAMPLES_PER_S = 150.0
_EMBEDDINGS_PER_S = 400.0


def estimate_seconds(candidates: Sequence[Candidate], train: int, held_out: int) -> float:
    """Rough seconds of a cycle on two cores: all epochs of every candidate, one after the other. Early stopping makes it less."""
    lora = sum(
        (train * candidate.epochs + held_out) / _LORA_EXAMPLES_PER_S for candidate in candidates if candidate.method != "probe"
    )
    embedded = train + 4 * held_out  # the training texts once, the held-out ones by probe, candidate, live and base
    return _FIXED_S + lora + embedded / _EMBEDDINGS_PER_S


def describe_golden_power(golden: Mapping[str, int], limits: Limits) -> dict[str, Any]:
    """What a golden set with these items by label can decide: the smallest loss it excludes at 95 % when nothing is lost.

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
