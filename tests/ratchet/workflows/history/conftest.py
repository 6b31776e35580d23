"""A year of weeks, written once, and its history."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ratchet.storage.home import Home
from ratchet.testing.year_of_weeks import write_year
from ratchet.workflows.history.history import load_history


@pytest.fixture(scope="session")
def year(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home of 52 weeks and 30 labels. Copy it before you change anything."""
    home = Home(tmp_path_factory.mktemp("year") / "home")
    write_year(home)
    return home


@pytest.fixture(scope="session")
def document(year: Home) -> dict[str, Any]:
    """Its history."""
    return load_history(year, "small", datetime(2026, 1, 6, tzinfo=UTC))
