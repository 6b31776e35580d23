"""Tests of which week is meant."""

from datetime import date

import pytest

from ratchet.core.cycle import Cycle, choose_week, describe_choice, need_known, skip_reason
from ratchet.core.errors import RatchetError, UsageError

WEEKS = [date(2026, 1, 5), date(2026, 2, 23)]


@pytest.mark.parametrize("word", ["2026-02-23", "2026-W09", "latest"])
def test_one_week_has_three_names(word: str) -> None:
    """A Monday, an ISO week and `latest` name the same cycle."""
    assert choose_week("tickets", word, WEEKS) == Cycle("tickets", date(2026, 2, 23))


def test_a_tuesday_is_an_error_that_names_its_monday() -> None:
    """Nothing is guessed."""
    with pytest.raises(UsageError, match="Tuesday") as caught:
        choose_week("tickets", "2026-02-24", WEEKS)
    assert "2026-02-23" in caught.value.hint


def test_without_weeks_none_is_the_latest() -> None:
    """The cure says how rows come in."""
    with pytest.raises(RatchetError, match="no week yet"):
        choose_week("tickets", "latest", [])


@pytest.mark.feature(4)
def test_an_unknown_week_names_the_nearest() -> None:
    """What is there is listed."""
    with pytest.raises(RatchetError, match="has: 2026-01-05, 2026-02-23") as caught:
        need_known(Cycle("tickets", date(2026, 3, 2)), WEEKS, "production log")
    assert caught.value.hint == "Did you mean 2026-02-23?"
    need_known(Cycle("tickets", WEEKS[0]), WEEKS, "production log")


@pytest.mark.parametrize(
    ("week", "known", "skipped"),
    [
        (date(2026, 2, 2), WEEKS, True),  # a quiet week between two
        (date(2026, 3, 2), WEEKS, True),  # the week that runs
        (date(2026, 2, 23), WEEKS, False),  # it had traffic
        (date(2025, 12, 29), WEEKS, False),  # before the first request: a mistake
        (date(2026, 3, 9), WEEKS, False),  # to come: a mistake
        (date(2026, 2, 2), [], False),  # no row was ever ingested: a mistake
    ],
)
def test_a_quiet_week_is_skipped_and_a_mistaken_one_is_not(week: date, known: list[date], skipped: bool) -> None:
    """Only a week that traffic could have reached is quiet; the reason names the newest one with traffic."""
    found = skip_reason(Cycle("tickets", week), known, date(2026, 3, 4))
    assert bool(found) is skipped
    assert not found or "(the newest: 2026-02-23)" in found


@pytest.mark.parametrize(
    ("word", "today", "week"),
    [
        ("latest", date(2026, 2, 27), date(2026, 2, 16)),
        ("latest", date(2026, 3, 1), date(2026, 2, 16)),
        ("latest", date(2026, 3, 2), date(2026, 2, 23)),
        ("current", date(2026, 2, 27), date(2026, 2, 23)),
    ],
)
def test_a_cycle_takes_the_latest_week_that_has_ended(word: str, today: date, week: date) -> None:
    """A week that still goes on is taken only by `current`: half a week would be judged as if it were whole."""
    known = [date(2026, 2, 16), date(2026, 2, 23)]
    assert choose_week("tickets", word, known, ended_by=today) == Cycle("tickets", week)


def test_without_a_complete_week_the_newest_is_taken_and_said() -> None:
    """The first week of a new classifier has not ended: its owner sees at once what a cycle says of it."""
    known, today = [date(2026, 2, 23)], date(2026, 2, 25)
    cycle = choose_week("tickets", "latest", known, ended_by=today)
    assert cycle.week == known[0]
    assert describe_choice(cycle, "latest", known, today) == ", as it is: no week has ended yet"


def test_the_choice_is_said() -> None:
    """Also that a newer week goes on, and how to take it; nothing for a week that was named."""
    known, today = [date(2026, 2, 16), date(2026, 2, 23)], date(2026, 2, 27)
    said = describe_choice(Cycle("tickets", known[0]), "latest", known, today)
    assert said == ", the latest complete week; 2026-02-23 goes on until 2026-03-01, '--week current' takes it"
    assert describe_choice(Cycle("tickets", known[0]), "2026-02-16", known, today) == ""
