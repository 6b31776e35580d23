"""Settings of receipts: how long the verdicts of a cycle let its candidate enter a rollout.

Add a setting here, with its default, unit and the error for a wrong value. The rule is applied in
`ratchet/workflows/rollout/receipt_trust.py`.
"""

from dataclasses import dataclass

from ratchet.config.validation import STRICT, need_at_least


@dataclass(frozen=True)
class ReceiptPolicy:
    """Rules on the age of receipts."""

    __pydantic_config__ = STRICT

    max_age_days: float = 30.0
    """Age of a receipt, in days, from which on its candidate may not enter a rollout; 0: any age. What is live, watched
    or returned to stays, and a candidate that is being compared goes on."""

    def __post_init__(self) -> None:
        need_at_least("receipts.max_age_days", self.max_age_days, 0)
