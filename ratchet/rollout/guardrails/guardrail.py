"""One guardrail: a figure of a rollout with its interval, its limit, and the sentence that says all three.

Add here a fact that every guardrail has. They are measured by `measure.py` and its neighbours.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AliasChoices, Field

from ratchet.config.policy import PromotionPolicy


@dataclass(frozen=True)
class Guardrail:
    """One figure with its limit. `broken` rolls the candidate back, `high` holds it, `open` is not shown yet, and
    `unknown` has no figure; neither of the two passes."""

    name: str
    status: Literal["ok", "open", "high", "broken", "unknown"]
    sentence: Annotated[str, Field(validation_alias=AliasChoices("sentence", "said"))]
    """The figure, its interval and its limit, in words; `rollout.json` has it under the key `said`."""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    limit: float | None = None
    confidence: float | None = None
    """Confidence of each end of the interval, where it decides; None for an interval of 95 %."""
    low_95: float | None = None
    """Ends of the 95 % interval, beside one that decides."""
    high_95: float | None = None


def step_threshold(policy: PromotionPolicy) -> float:
    """Return the evidence from which on a guardrail that is asked afresh at each step counts as broken.

    `alpha_back` is shared among the shadow, the steps and the watch after them, so that a whole rollout at the limit is
    rolled back by chance with a probability of at most `alpha_back`.
    """
    return (len(policy.steps) + 1) / policy.alpha_back
