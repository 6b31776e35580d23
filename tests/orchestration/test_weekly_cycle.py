"""The weekly schedule asks for the week that has just ended, once for each classifier."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import dagster as dg
import pytest

from assets.partitions import cycles
from orchestration.run_results import collect_stages
from orchestration.weekly_cycle import weekly_cycle_schedule
from ratchet.core.cycle import Cycle
from ratchet.storage.run_history import run_weeks
from ratchet.testing.homes import SmallClassifier

pytestmark = pytest.mark.slow

MONDAY = datetime(2026, 1, 12, 6, tzinfo=UTC)


def test_monday_asks_for_last_week_of_every_classifier(
    small: SmallClassifier, stored_instance: dg.DagsterInstance
) -> None:
    """On Monday 12 January the week of the 5th is run, under a key that a second evaluation repeats.

    A classifier without traffic in it, or at all, is skipped.
    """
    for name, week in (("other", date(2026, 1, 5)), ("quiet", date(2025, 12, 29)), ("fresh", None)):
        each = SmallClassifier(small.home, name=name, requests=30)
        each.write()
        if week:
            each.write_week(week)
    small.write_week(date(2026, 1, 5))
    keys = []
    for _ in range(2):
        with dg.build_schedule_context(stored_instance, scheduled_execution_time=MONDAY) as context:
            requests = list(weekly_cycle_schedule(context, home=small.home))
        keys.append([request.run_key for request in requests if isinstance(request, dg.RunRequest)])
    assert keys[0] == keys[1] == ["other|2026-01-05:weekly", "small|2026-01-05:weekly"]
    assert sorted(stored_instance.get_dynamic_partitions("classifiers")) == ["other", "small"]


def test_weeks_begin_on_monday_in_utc(instance: dg.DagsterInstance) -> None:
    """The partitions are the product's weeks, the current one included."""
    instance.add_dynamic_partitions("classifiers", ["small"])
    keys = set(
        cycles.get_partition_keys(dynamic_partitions_store=instance, current_time=datetime(2026, 1, 14, tzinfo=UTC))
    )
    assert Cycle("small", date(2026, 1, 12)).key in keys
    assert Cycle("small", date(2026, 1, 5)).key in keys
    assert not any("2026-01-19" in key or "2026-01-11" in key for key in keys)
    assert Cycle("small", date(2016, 2, 29)).key in keys


def test_a_home_without_classifiers_is_skipped_with_a_reason(
    small: SmallClassifier, instance: dg.DagsterInstance
) -> None:
    """Nothing to do is said, not hidden."""
    small.home.spec(small.name).unlink()
    with dg.build_schedule_context(instance, scheduled_execution_time=MONDAY) as context:
        (skip,) = list(weekly_cycle_schedule(context, home=small.home))
    assert isinstance(skip, dg.SkipReason)
    assert "no classifier" in str(skip.skip_message)


def test_a_quiet_week_started_by_hand_is_skipped_with_the_same_reason(
    small: SmallClassifier, run_cycle: Callable[..., dg.ExecuteInProcessResult], instance: dg.DagsterInstance
) -> None:
    """The run ends well and makes nothing; a week before the first request is a mistake, and fails."""
    small.write_week(date(2025, 12, 29))
    result = run_cycle(date(2026, 1, 5))
    assert result.success
    assert not result.get_asset_materialization_events()
    stages = collect_stages(instance, result.run_id)
    assert {stage.status for stage in stages} == {"skipped"}
    assert stages[0].message == "small had no production log in the week of 2026-01-05 (the newest: 2025-12-29)."
    assert run_weeks(small.home, small.name) == []
    early = run_cycle(date(2025, 12, 22))
    assert not early.success
    assert "no production log of small in the week of 2025-12-22" in collect_stages(instance, early.run_id)[0].message


def test_a_quiet_week_is_skipped_with_its_reason(small: SmallClassifier, instance: dg.DagsterInstance) -> None:
    """Where no classifier had traffic the tick says of each why."""
    small.write_week(date(2025, 12, 29))
    SmallClassifier(small.home, name="fresh").write()
    with dg.build_schedule_context(instance, scheduled_execution_time=MONDAY) as context:
        (skip,) = list(weekly_cycle_schedule(context, home=small.home))
    assert isinstance(skip, dg.SkipReason)
    assert "small had no production log in the week of 2026-01-05 (the newest: 2025-12-29)" in str(skip.skip_message)
    assert "fresh has no production log yet" in str(skip.skip_message)
