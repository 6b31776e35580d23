"""Verdict of a gate: an outcome with its reason and evidence.

Add here what all verdicts share; each gate decides in its own module in `ratchet/gates/`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Outcome = Literal["passed", "warned", "failed", "inconclusive"]
"""Outcome of a gate; see `Verdict`."""


@dataclass(frozen=True)
class Verdict:
    """Outcome of a gate with its reason and evidence.

    `failed` blocks; `warned` (something is odd, which a person should know and a cycle survives) and `inconclusive`
    (too little evidence) do not block, but are never called a pass.
    """

    outcome: Outcome
    reason: str
    evidence: dict[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """True where the cycle may go on."""
        return self.outcome in {"passed", "warned", "inconclusive"}


def join_verdicts(verdicts: Sequence[Verdict]) -> Verdict:
    """Join verdicts into one: failed if any failed, else inconclusive if any is, else warned if any is.

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
    if any(verdict.outcome == "warned" for verdict in verdicts):
        return Verdict("warned", f"Warns: {reasons}", evidence)
    return Verdict("passed", f"Passes: {reasons}", evidence)
