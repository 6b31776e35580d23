"""Weeks begin on Monday, in UTC, and whoever names another day is told which Monday it is."""

from datetime import UTC, date, datetime

import pytest

from ratchet.core.cycle import Cycle, monday_of, parse_week
from ratchet.core.errors import UsageError

MONDAY = date(2026, 2, 23)


def test_a_week_begins_on_monday_at_midnight_utc_and_ends_a_week_later() -> None:
    """Start inclusive, end exclusive."""
    cycle = Cycle("tickets", MONDAY)
    assert cycle.start == datetime(2026, 2, 23, tzinfo=UTC)
    assert cycle.end == datetime(2026, 3, 2, tzinfo=UTC)


@pytest.mark.parametrize(("day", "name"), [(24, "Tuesday"), (26, "Thursday"), (28, "Saturday")])
def test_another_day_names_its_monday(day: int, name: str) -> None:
    """The cure stands in the message."""
    with pytest.raises(UsageError, match=rf"2026-02-{day} is a {name}.*2026-02-23"):
        Cycle("tickets", date(2026, 2, day))


def test_a_sunday_belongs_to_the_week_that_began_six_days_before() -> None:
    """Weeks do not begin on Sunday."""
    assert monday_of(date(2026, 3, 1)) == MONDAY
    assert monday_of(MONDAY) == MONDAY


def test_a_week_is_written_as_its_monday_or_its_iso_number() -> None:
    """Both name the same day; the year's first week may begin in the old year."""
    assert parse_week("2026-02-23") == parse_week("2026-W09") == MONDAY
    assert parse_week("2026-W01") == date(2025, 12, 29)


@pytest.mark.parametrize(
    "word", ["", "yesterday", "2026-13-01", "2026-02-30", "23.02.2026", "2026-W54", "2026-W00", "2026-W9"]
)
def test_what_is_no_week_is_refused_with_how_to_write_one(word: str) -> None:
    """As wrong usage."""
    with pytest.raises(UsageError, match="2026-W09") as caught:
        parse_week(word)
    assert caught.value.exit_code == 64


def test_the_key_of_a_cycle_leads_back_to_it() -> None:
    """Partitions carry it."""
    cycle = Cycle("form_abandonment", MONDAY)
    assert cycle.key == "form_abandonment|2026-02-23"
    assert Cycle.from_key(cycle.key) == cycle


@pytest.mark.parametrize("key", ["", "tickets", "tickets|", "|2026-02-23", "../x|2026-02-23", "tickets|2026-02-24"])
def test_a_key_that_names_no_cycle_is_refused(key: str) -> None:
    """Rather than run a cycle of nothing."""
    with pytest.raises(UsageError):
        Cycle.from_key(key)


@pytest.mark.parametrize("week", [date(9999, 12, 27), date(1, 1, 1)])
def test_a_week_at_the_end_of_time_is_refused(week: date) -> None:
    """Its end could not be computed."""
    with pytest.raises(UsageError, match="out of range"):
        Cycle("tickets", week)


def test_cycles_are_ordered_by_classifier_and_week() -> None:
    """So that lists of them read well."""
    assert sorted([Cycle("b", date(2026, 1, 5)), Cycle("a", MONDAY), Cycle("a", date(2026, 1, 5))])[1] == Cycle(
        "a", MONDAY
    )
