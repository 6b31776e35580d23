"""Verdict of a gate: an outcome with its reason and evidence.

Add here what all verdicts share; each gate decides in its own module in `ratchet/gates/`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Verdict:
    """Outcome of a gate with its reason and evidence.

    `failed` blocks; `inconclusive` (too little evidence) does not block, but is never called a pass.
    """

    outcome: Literal["passed", "failed", "inconclusive"]
    reason: str
    evidence: dict[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """True where the cycle may go on."""
        return self.outcome in {"passed", "inconclusive"}


def join_verdicts(verdicts: Sequence[Verdict]) -> Verdict:
    """Join verdicts into one: failed if any failed, else inconclusive if any is.

    The reason of a failure lists every failed verdict.
    """
    failed = [verdict for verdict in verdicts if not verdict.passed]
    # The reasons of passed targets would only hide the failed one, so that a failure lists failures alone.
    reasons = " ".join(verdict.reason for verdict in failed or verdicts)
    evidence = {"fits": [verdict.evidence for verdict in verdicts]}
    if failed:
        return Verdict("failed", f"Fails: {reasons}", evidence)
    if any(verdict.outcome == "inconclusive" for verdict in verdicts):
        return Verdict("inconclusive", f"No verdict: {reasons}", evidence)
    return Verdict("passed", f"Passes: {reasons}", evidence)
