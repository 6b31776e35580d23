"""The tag of weekly cycles is set on whatever belongs to one, however it was launched, and on nothing else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteRepositoryOrigin
from dagster._core.run_coordinator.base import SubmitRunContext

from orchestration.definitions import build_definitions
from orchestration.instance import open_instance
from orchestration.run_coordinator import CycleRunCoordinator
from resources.run_locks import CYCLE_TAG

CYCLE = {"dagster/partition": "tickets|2026-01-05"}
OTHERS = {"ratchet/classifier": "tickets"}
ORIGIN = RemoteRepositoryOrigin(GrpcServerCodeLocationOrigin("localhost", 1), "__repository__")
LAUNCHED: dict[str, tuple[str, dict[str, str], set[str] | None, str | None]] = {
    "the schedule, the UI or a backfill": ("weekly_cycle", CYCLE, None, "tickets"),
    "steps that the UI materialises": ("__ASSET_JOB", CYCLE, {"corrected_labels", "training_set"}, "tickets"),
    "the job of publications": ("publication", CYCLE, {"published_adapter"}, None),
    "a publication that the UI materialises": ("__ASSET_JOB", CYCLE, {"published_adapter"}, None),
    "a promotion": ("promotion", OTHERS, None, None),
    "a shadow deployment": ("shadow_deployment", OTHERS, None, None),
    "a check of publications": ("publication_check", OTHERS, None, None),
}


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    """An instance with the settings that Ratchet writes."""
    with open_instance(tmp_path_factory.mktemp("queue") / "dagster") as found:
        yield found


@pytest.mark.parametrize("launched", LAUNCHED)
def test_cycles_are_tagged_and_nothing_else(instance: dg.DagsterInstance, tmp_path: Path, launched: str) -> None:
    """The queue counts by this tag, so a promotion never waits for a training."""
    job, tags, steps, expected = LAUNCHED[launched]
    definition = build_definitions(str(tmp_path)).resolve_job_def("weekly_cycle")
    run = instance.create_run_for_job(
        definition,
        tags=tags,
        remote_job_origin=ORIGIN.get_job_origin(job),
        asset_selection=frozenset(map(dg.AssetKey, steps)) if steps else None,
    )._replace(job_name=job)
    coordinator = instance.run_coordinator
    assert isinstance(coordinator, CycleRunCoordinator)
    context: Any = SubmitRunContext(run, workspace=None)  # type: ignore[arg-type] # the queue does not read it
    submitted = coordinator.submit_run(context)
    assert (submitted.status, submitted.tags.get(CYCLE_TAG)) == (dg.DagsterRunStatus.QUEUED, expected)


def test_the_queue_limits_cycles_and_nothing_else(instance: dg.DagsterInstance) -> None:
    """One for each classifier, two at once, and no limit on all runs."""
    queue = instance.get_concurrency_config().run_queue_config
    assert queue is not None
    assert queue.max_concurrent_runs == -1
    limits = [(each["key"], each.get("value"), each["limit"]) for each in queue.tag_concurrency_limits]
    assert limits == [(CYCLE_TAG, {"applyLimitPerUniqueValue": True}, 1), (CYCLE_TAG, None, 2)]
