"""A small home, and cycles run on a real ephemeral Dagster instance."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.definitions import build_definitions
from ratchet.stores.ceremony import nominate, promote
from ratchet.stores.home import Home
from ratchet.testing import SmallClassifier

WEEK = date(2026, 1, 5)
POLICY = """
[promotion]
min_requests = 60
min_labels = 40
margin = 0.15
min_step_requests = 20
dwell_minutes = 30
"""
ROOT = Path(__file__).parents[2]
RATCHET = [sys.executable, "-c", "import sys; from orchestration.cli.app import main; sys.exit(main())"]


@pytest.fixture
def small(tmp_path: Path) -> SmallClassifier:
    """A classifier with specification and golden set, and no data yet."""
    classifier = SmallClassifier(Home(tmp_path))
    classifier.write()
    return classifier


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """An ephemeral Dagster instance."""
    with dg.DagsterInstance.ephemeral() as found:
        yield found


@pytest.fixture
def stored_instance() -> Iterator[dg.DagsterInstance]:
    """A Dagster instance in a temporary folder: schedules need one that can be opened again."""
    with dg.instance_for_test() as found:
        yield found


@pytest.fixture
def run_cycle(small: SmallClassifier, instance: dg.DagsterInstance) -> Callable[..., dg.ExecuteInProcessResult]:
    """Run the weekly job in this process: `run_cycle(week, **resource_overrides)`."""

    def run(week: date = WEEK, **overrides: Any) -> dg.ExecuteInProcessResult:
        definitions = build_definitions(str(small.home.root), **overrides)
        instance.add_dynamic_partitions("classifiers", [small.name])
        key = dg.MultiPartitionKey({"classifier": small.name, "week": str(week)})
        return definitions.resolve_job_def("weekly_cycle").execute_in_process(
            instance=instance, partition_key=key, raise_on_error=False
        )

    return run


@pytest.fixture(scope="session")
def passed(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Week one is live and week two has passed its cycle. Copy it; its tests share the xdist group `rollouts`."""
    home = Home(tmp_path_factory.mktemp("rollouts") / "home")
    small = SmallClassifier(home)
    small.write(settings=POLICY)
    for week in (WEEK, WEEK + timedelta(days=7)):
        small.write_week(week)
        words = ["--home", str(home.root), "cycle", small.name, "--week", str(week)]
        done = subprocess.run([*RATCHET, *words], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        if week == WEEK:
            promote(home, nominate(home, small.name), "the first")
    return home
