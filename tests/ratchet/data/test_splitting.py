"""Time decides the split, and what cannot be split is refused with the range found."""

from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest

from ratchet.config.window import Window
from ratchet.core.cycle import Cycle
from ratchet.core.errors import RatchetError
from ratchet.data.splitting import assign_splits, check_dates, find_bounds, lookback_start

CYCLE = Cycle("tickets", date(2026, 2, 23))


def times(*days: float) -> pd.Series:
    """Instants that many days after the cycle's Monday."""
    return pd.Series([CYCLE.start + timedelta(days=day) for day in days], dtype="datetime64[us, UTC]")


def split(days: list[float], blind: list[bool] | None = None, window: Window | None = None) -> list[str]:
    """The split of each instant."""
    at = times(*days)
    seen = pd.Series(blind if blind is not None else [True] * len(days))
    return list(assign_splits(at, find_bounds(at, seen, CYCLE, window or Window())))


def test_a_first_week_is_cut_by_time_60_20_20() -> None:
    """In whatever order the rows come."""
    days = [i * 0.6 for i in range(10)]
    expected = ["train"] * 6 + ["calibration"] * 2 + ["test"] * 2
    assert split(days) == expected
    assert split(days[::-1]) == expected[::-1]


def test_a_later_week_is_test_and_the_newest_of_the_earlier_calibration() -> None:
    """15 % of the 20 earlier ones are calibration; Monday midnight already belongs to the week."""
    found = split([-20 + i for i in range(20)] + [0.0, 3.0, 6.9])
    assert found == ["train"] * 17 + ["calibration"] * 3 + ["test"] * 3
    assert split([-1e-6 - 1, -1e-6, 0.0])[-1] == "test"


def test_calibration_is_measured_in_blind_requests_only() -> None:
    """Anchored ones among the newest do not use up the share."""
    days, blind = [-20.0 + i for i in range(20)] + [1.0], [True] * 10 + [False] * 10 + [True]
    found = split(days, blind, Window(calibration_share=0.2))
    assert found.index("calibration") == 8


def test_equal_times_are_never_torn_apart() -> None:
    """Rows of one instant fall into one split, so that neither side knows the other's moment."""
    days = [-3.0] * 5 + [-2.0] * 5 + [-1.0] * 10 + [1.0]
    found = dict(zip(days, split(days), strict=True))
    assert [len({s for d, s in zip(days, split(days), strict=True) if d == day}) for day in found] == [1, 1, 1, 1]


def test_earlier_weeks_that_are_all_anchored_train_and_the_week_itself_is_cut() -> None:
    """They cannot calibrate; the test split still lies within the cycle's week."""
    found = split([-5.0] * 30 + [i * 0.6 for i in range(10)], [False] * 30 + [True] * 10)
    assert found == ["train"] * 36 + ["calibration"] * 2 + ["test"] * 2


@pytest.mark.parametrize(
    ("days", "blind", "match"),
    [
        ([], [], "no labelled request in the 26 weeks up to 2026-03-02"),
        (
            [-5.0, -4.0],
            [False, False],
            "no labelled request in the week of 2026-02-23.* 2 from 2026-02-18.* to 2026-02-19",
        ),
    ],
)
def test_nothing_to_cut_is_refused_with_the_range_found(days: list[float], blind: list[bool], match: str) -> None:
    """No rows at all, and none that could be test or calibration."""
    with pytest.raises(RatchetError, match=match):
        find_bounds(times(*days), pd.Series(blind, dtype=bool), CYCLE, Window())


@pytest.mark.parametrize(
    ("window", "fits"),
    [
        (Window(), True),
        (Window(earliest=date(2026, 2, 10), latest=date(2026, 3, 1)), True),
        (Window(earliest=date(2026, 2, 17)), False),
        (Window(latest=date(2026, 2, 26)), False),
        (Window(lookback_weeks=1, earliest=date(2020, 1, 1)), False),
    ],
)
def test_dates_outside_the_expected_print_the_range_found(window: Window, fits: bool) -> None:
    """From 2026-02-16 to 2026-02-27 against what the specification expects."""
    at = times(-7.0, 4.5)
    if fits:
        check_dates(at, CYCLE, window)
        return
    with pytest.raises(RatchetError, match="run from 2026-02-16 to 2026-02-27, outside the dates expected") as caught:
        check_dates(at, CYCLE, window)
    assert caught.value.code == "bad_dates"


def test_the_cycles_week_is_one_of_the_weeks_looked_back_on() -> None:
    """One week is the week itself."""
    assert lookback_start(CYCLE, Window(lookback_weeks=1)) == CYCLE.start
    assert lookback_start(CYCLE, Window(lookback_weeks=3)) == datetime(2026, 2, 9, tzinfo=UTC)
