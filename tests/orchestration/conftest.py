"""A small home, and cycles run on a real ephemeral Dagster instance."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.definitions import build_definitions
from ratchet.stores.home import Home
from ratchet.testing import SmallClassifier

WEEK = date(2026, 1, 5)


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
