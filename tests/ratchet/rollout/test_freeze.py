"""Freeze windows: dates, times and hours of every week, in their time zone; a window that is none is an error."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ratchet.config.freeze import Freeze, FreezeWindow
from ratchet.core.errors import RatchetError
from ratchet.rollout.freeze import find_freeze

BERLIN = "Europe/Berlin"
HOLIDAYS = FreezeWindow("2026-12-20", "2027-01-03", "holiday peak")
WEEKEND = FreezeWindow("fri 16:00", "mon 08:00")


def at(*when: int) -> datetime:
    """A time in UTC."""
    return datetime(*when, tzinfo=UTC)  # type: ignore[arg-type,misc] # year, month, day, hour


@pytest.mark.parametrize(
    ("window", "zone", "now", "until"),
    [
        (HOLIDAYS, "UTC", at(2026, 12, 19, 23), ""),
        (HOLIDAYS, "UTC", at(2026, 12, 20, 0), "2027-01-04 00:00 UTC (holiday peak)"),
        (HOLIDAYS, "UTC", at(2027, 1, 3, 23), "2027-01-04 00:00 UTC (holiday peak)"),
        (HOLIDAYS, "UTC", at(2027, 1, 4, 0), ""),
        (HOLIDAYS, BERLIN, at(2026, 12, 19, 23), "2027-01-04 00:00 Europe/Berlin (holiday peak)"),
        (WEEKEND, "UTC", at(2026, 12, 4, 15), ""),
        (WEEKEND, "UTC", at(2026, 12, 4, 16), "2026-12-07 08:00 UTC"),
        (WEEKEND, "UTC", at(2026, 12, 7, 7), "2026-12-07 08:00 UTC"),
        (WEEKEND, "UTC", at(2026, 12, 7, 8), ""),
        (WEEKEND, BERLIN, at(2026, 3, 29, 1), "2026-03-30 08:00 Europe/Berlin"),
        (WEEKEND, BERLIN, at(2026, 3, 30, 6), ""),
        (FreezeWindow("2026-12-20T18:00", "2026-12-21T06:00"), "UTC", at(2026, 12, 21, 5), "2026-12-21 06:00 UTC"),
        (FreezeWindow("2026-12-20", "2026-12-20", classifiers=("other",)), "UTC", at(2026, 12, 20, 5), ""),
    ],
)
def test_a_window_holds_from_its_begin_until_its_end(
    window: FreezeWindow, zone: str, now: datetime, until: str
) -> None:
    """A day counts until its midnight; the hours of a week are of the wall clock, also when it is put forward."""
    found = find_freeze(Freeze(zone, (window,)), "tickets", now)
    assert found == (f"changes are frozen until {until}" if until else "")


def test_of_several_windows_the_longest_is_named() -> None:
    """The weekend in the holidays ends with the holidays."""
    found = find_freeze(Freeze("UTC", (WEEKEND, HOLIDAYS)), "tickets", at(2026, 12, 26, 12))
    assert found.startswith("changes are frozen until 2027-01-04 00:00")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"start": "banana", "end": "yesterday"}, "is not a time of the week"),
        ({"start": "2026-13-01", "end": "2026-12-01"}, "is not a date or time"),
        ({"start": "2027-01-04", "end": "2026-12-18"}, "ends before it begins"),
        ({"start": "2026-12-20", "end": "mon 08:00"}, "is not a date or time"),
        ({"start": "fri 16:00", "end": "fri 16:00"}, "has no length"),
        ({"start": "2026-12-20T18:00Z", "end": "2026-12-21"}, "is not a date or time"),
    ],
)
def test_a_window_that_is_none_is_an_error(words: dict[str, Any], said: str) -> None:
    """In a sentence that holds the value; no window is taken that would never hold."""
    with pytest.raises(RatchetError, match=said):
        FreezeWindow(**words)
