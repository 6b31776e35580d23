"""The grid of weeks begins with the first week that has data."""

from datetime import date
from pathlib import Path

import pytest

from ratchet.storage.first_week import first_week_of_home, note_first_week, read_first_week
from ratchet.storage.home import Home

TODAY = date(2026, 12, 1)
BACK = date(2024, 12, 2)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home of two classifiers without data."""
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "classifier.toml").touch()
    return Home(tmp_path)


def test_a_home_without_data_begins_two_years_back(home: Home, tmp_path: Path) -> None:
    """With classifiers and without, and where there is no folder at all."""
    assert {first_week_of_home(each, TODAY) for each in (home, Home(tmp_path / "none"))} == {BACK}


def test_the_earliest_week_of_all_classifiers_counts(home: Home) -> None:
    """As soon as each has noted its own."""
    note_first_week(home, "first", date(2026, 3, 2))
    assert first_week_of_home(home, TODAY) == BACK
    note_first_week(home, "second", date(2026, 1, 5))
    assert first_week_of_home(home, TODAY) == date(2026, 1, 5)


def test_an_old_week_moves_the_start_and_a_new_one_does_not(home: Home) -> None:
    """The noted week only ever becomes earlier; an intake without rows changes nothing."""
    for week in (date(2026, 3, 2), None, date(2026, 6, 1), date(2020, 1, 6), date(2026, 3, 9)):
        note_first_week(home, "first", week)
    assert read_first_week(home, "first") == date(2020, 1, 6)


def test_a_home_of_before_keeps_the_weeks_that_it_ran(home: Home) -> None:
    """Its runs say how far back it reaches, until an intake has noted a week."""
    run = home.reports("first") / "2021-01-04"
    run.mkdir(parents=True)
    (run / "run_results.json").write_text("{}")
    assert first_week_of_home(home, TODAY) == date(2021, 1, 4)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"week": 3}', '{"week": "2026-01-06x"}'])
def test_a_damaged_note_is_as_none(home: Home, content: str) -> None:
    """It stops no definitions, and the next intake replaces it."""
    home.first_week("first").write_text(content)
    assert first_week_of_home(home, TODAY) == BACK
    note_first_week(home, "first", date(2026, 3, 2))
    assert read_first_week(home, "first") == date(2026, 3, 2)
