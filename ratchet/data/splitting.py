"""Split by time: the cycle's week is test, the newest part of the earlier weeks calibration, the rest train.

Add here rules about dates and shares. `curation.py` and `ratchet/gates/leakage.py` keep equal and similar texts apart.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from ratchet.config.window import Window
from ratchet.core.cycle import Cycle, monday_of
from ratchet.core.errors import RatchetError

SPLITS = ("train", "calibration", "test")
_FIRST_WEEK = (0.6, 0.8)


@dataclass(frozen=True)
class SplitBounds:
    """Bounds of the splits: train before `calibration`, test from `test` on."""

    calibration: datetime
    test: datetime


def find_bounds(times: pd.Series, blind: pd.Series, cycle: Cycle, window: Window) -> SplitBounds:
    """Find the bounds of the splits of `cycle`.

    `times` (UTC) are those of its labelled requests, `blind` marks those labelled blindly. With earlier weeks, test
    begins with the week, and calibration with the newest `calibration_share` of the earlier blind requests. Without
    earlier blind requests, the week itself is cut by time 60/20/20 (earlier anchored requests stay train). Raises
    `RatchetError` when the rows are too few to cut.
    """
    if times.empty:
        raise RatchetError(
            f"no labelled request in the {window.lookback_weeks} weeks up to {cycle.end:%Y-%m-%d}.",
            "Ingest logs and corrections of these weeks, or choose another week.",
            code="empty_split",
        )
    # Held-out splits take blind labels only (decision 2), so only these are counted for their bounds.
    earlier = times[(times < cycle.start) & blind].sort_values()
    if earlier.empty:
        inside = times[times >= cycle.start].sort_values()
        if inside.empty:
            raise RatchetError(
                f"no labelled request in the week of {cycle.week}, and no earlier one was labelled blindly: "
                f"{len(times)} from {times.min()} to {times.max()}.",
                "Correct requests of this week without showing the prediction, or choose another week.",
                code="empty_split",
            )
        first, second = (inside.iloc[min(int(len(inside) * share), len(inside) - 1)] for share in _FIRST_WEEK)
        return SplitBounds(first.to_pydatetime(), second.to_pydatetime())
    start = earlier.iloc[min(int(len(earlier) * (1 - window.calibration_share)), len(earlier) - 1)]
    return SplitBounds(start.to_pydatetime(), cycle.start)


def assign_splits(times: pd.Series, bounds: SplitBounds) -> pd.Series:
    """Return the split of each time, as strings."""
    split = pd.Series("train", index=times.index)
    split[times >= bounds.calibration] = "calibration"
    split[times >= bounds.test] = "test"
    return split


def check_dates(times: pd.Series, cycle: Cycle, window: Window) -> None:
    """Raise `RatchetError` when a request lies outside the dates that the specification expects."""
    first, last = times.min().date(), times.max().date()
    expected_first = max(window.earliest, lookback_start(cycle, window).date()) if window.earliest else None
    if (expected_first and first < expected_first) or (window.latest and last > window.latest):
        raise RatchetError(
            f"labelled requests run from {first} to {last}, outside the dates expected "
            f"({window.earliest or 'any'} to {window.latest or 'any'}).",
            "Correct window.earliest and window.latest in classifier.toml, or look for wrong clocks in the logs.",
            code="bad_dates",
        )


def lookback_start(cycle: Cycle, window: Window) -> datetime:
    """Return the first instant of `cycle`'s look-back window: its own week counts as one of `lookback_weeks`."""
    return cycle.start - timedelta(days=7 * (window.lookback_weeks - 1))


def weeks_of(times: "pd.Series[Any]") -> "pd.Series[str]":
    """Return the Monday of each time (UTC), as text."""
    return pd.Series([str(monday_of(time.date())) for time in times], times.index, dtype=object)
