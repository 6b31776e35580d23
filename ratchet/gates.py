"""Gates: what a check says, as a value. A verdict always comes with its reason and the evidence it was taken from.

Add here what all gates share. How each gate decides is in its own module (`agreement`, `leakage`, `regression`, ...), how
receipts are written in `ratchet/stores/receipts.py`.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

DATA_GATES = ("row_quality", "label_agreement", "label_distribution", "leakage")
TARGET_GATES = ("target_plan", "target_fit")
"""Whether what is planned, and what was made of it, can run where it must. They came later: an entry of the ledger that is older
than they are names no receipt of theirs, and stands (`ratchet/stores/vouching.py`)."""
MODEL_GATES = ("beats_baselines", "golden_agreement", "golden_set_regression")
GATES = DATA_GATES + TARGET_GATES + MODEL_GATES


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
