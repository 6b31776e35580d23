"""What a gate says, as a value: an outcome with its reason and evidence."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Verdict:
    """`failed` blocks. `inconclusive` does not block and is never called a pass: there was too little to judge."""

    outcome: Literal["passed", "failed", "inconclusive"]
    reason: str
    evidence: dict[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether the cycle may go on."""
        return self.outcome in {"passed", "inconclusive"}


def join_verdicts(verdicts: Sequence[Verdict]) -> Verdict:
    """One verdict of many: failed when one failed, with the sentence of every one that did; no pass where one is
    none."""
    failed = [verdict for verdict in verdicts if not verdict.passed]
    said = " ".join(verdict.reason for verdict in failed or verdicts)
    evidence = {"fits": [verdict.evidence for verdict in verdicts]}
    if failed:
        return Verdict("failed", f"Fails: {said}", evidence)
    if any(verdict.outcome == "inconclusive" for verdict in verdicts):
        return Verdict("inconclusive", f"No verdict: {said}", evidence)
    return Verdict("passed", f"Passes: {said}", evidence)
