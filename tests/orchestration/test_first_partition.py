"""Dagster's partitions begin with the home's first week."""

from datetime import date
from pathlib import Path

from orchestration.definitions import ASSETS, build_definitions
from orchestration.first_partition import begin_with, read_first_partition
from ratchet.ingest.landing import Landing
from ratchet.ingest.rebuild import open_warehouse
from ratchet.storage.first_week import note_first_week, read_first_week
from ratchet.storage.home import Home
from ratchet.storage.specs import Specs
from ratchet.testing.homes import SmallClassifier

WEEK = date(2026, 1, 5)


def test_the_definitions_read_it(tmp_path: Path) -> None:
    """Every asset and the job of a cycle have the partitions of the home."""
    home = Home(tmp_path)
    home.classifier("small").mkdir()
    home.spec("small").touch()
    note_first_week(home, "small", WEEK)
    assert read_first_partition(home) == WEEK
    (expected,) = {each.partitions_def for each in begin_with(WEEK, ASSETS)}
    assert build_definitions(str(tmp_path)).resolve_job_def("weekly_cycle").partitions_def == expected


def test_an_intake_notes_it_and_an_older_week_moves_it(small: SmallClassifier) -> None:
    """The state file follows the rows of the warehouse, file by file."""
    for week in (WEEK, date(2025, 12, 29)):
        small.write_week(week)
        Landing(small.home, open_warehouse(small.home, "small")).take(Specs(small.home)["small"])
        assert read_first_week(small.home, "small") == week
