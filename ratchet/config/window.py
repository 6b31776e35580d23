"""Table `[window]` of the specification: the weeks that a cycle learns from, and when one starts early.

Add a setting of dates here; how the window is split is `ratchet/data/splitting.py`.
"""

from dataclasses import dataclass
from datetime import date

from ratchet.config.validation import STRICT, bad_spec, need_at_least


@dataclass(frozen=True)
class Window:
    """Weeks that a cycle trains on, and the dates allowed in them."""

    __pydantic_config__ = STRICT

    lookback_weeks: int = 26
    calibration_share: float = 0.15
    """Share of the earlier weeks' blindly corrected requests, the newest, that fits the temperature."""
    early_after_corrections: int = 1000
    """New corrections since the last cycle that start one early; 0 never does."""
    earliest: date | None = None
    latest: date | None = None

    def __post_init__(self) -> None:
        need_at_least("window.lookback_weeks", self.lookback_weeks, 1)
        need_at_least("window.early_after_corrections", self.early_after_corrections, 0)
        if not 0 < self.calibration_share <= 0.5:
            raise bad_spec(
                f"window.calibration_share = {self.calibration_share} is outside 0..0.5.",
                "Set it between 0.05 and 0.5; the default is 0.15.",
            )
        if self.earliest and self.latest and self.earliest > self.latest:
            raise bad_spec(
                f"window.earliest = {self.earliest} is after window.latest = {self.latest}.", "Swap the two dates."
            )
