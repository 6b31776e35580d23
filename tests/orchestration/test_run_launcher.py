"""A run whose process is gone is noticed, and never one that lives."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.launcher.base import WorkerStatus

from orchestration.instance import open_instance
from orchestration.run_launcher import LeasedRunLauncher, release_dead_runs
from resources.run_locks import leases_of
from resources.storage import build_stores

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PLAY = """
import os, signal, sys
import dagster as dg
from orchestration.instance import open_instance
from resources.storage import build_stores
@dg.op(required_resource_keys={"home", "ledger"})
def step(context):
    print(context.run_id, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
@dg.job(resource_defs=build_stores(sys.argv[1]), executor_def=dg.in_process_executor)
def play():
    step()
with open_instance(__import__("pathlib").Path(sys.argv[1]) / "dagster") as instance:
    play.execute_in_process(instance=instance)
"""


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance with the settings that Ratchet writes."""
    with open_instance(tmp_path / "dagster") as found:
        yield found


def health(instance: dg.DagsterInstance, run_id: str) -> WorkerStatus:
    """What run monitoring is told of a run."""
    launcher, run = instance.run_launcher, instance.get_run_by_id(run_id)
    assert isinstance(launcher, LeasedRunLauncher)
    assert launcher.supports_check_run_worker_health
    assert run is not None
    return launcher.check_run_worker_health(run).status


def test_a_run_is_alive_while_its_process_is(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """Asked from within; afterwards nothing of it is left."""
    told: list[WorkerStatus] = []

    @dg.op(required_resource_keys={"home", "ledger"})
    def step(context: dg.OpExecutionContext) -> None:
        told.append(health(instance, context.run_id))

    @dg.job(resource_defs=build_stores(str(tmp_path)), executor_def=dg.in_process_executor)
    def play() -> None:
        step()

    assert play.execute_in_process(instance=instance).success
    assert told == [WorkerStatus.RUNNING]
    assert list(leases_of(instance).folder.iterdir()) == []


def test_a_killed_run_is_told_as_failed(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """Kill -9 in the middle of a step: the run says STARTED, its lease says otherwise."""
    done = subprocess.run(
        [sys.executable, "-c", PLAY, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False
    )
    assert done.returncode == -9
    run_id = done.stdout.split()[0]
    run = instance.get_run_by_id(run_id)
    assert run is not None
    assert run.status is dg.DagsterRunStatus.STARTED
    assert health(instance, run_id) is WorkerStatus.FAILED


def test_a_killed_run_ends_before_the_next_command_runs(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """Without it the queue would count it for ever; a living run goes on."""
    subprocess.run([sys.executable, "-c", PLAY, str(tmp_path)], cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
    (killed,) = instance.get_runs()

    leases = leases_of(instance)
    leases.forget(killed.run_id)
    with leases.hold(killed.run_id):
        release_dead_runs(instance)
        assert [run.status for run in instance.get_runs()] == [dg.DagsterRunStatus.STARTED]
    (leases.folder / f"{killed.run_id}.lease").touch()
    release_dead_runs(instance)
    assert [run.status for run in instance.get_runs()] == [dg.DagsterRunStatus.FAILURE]


def test_a_run_that_has_opened_nothing_yet_has_its_grace(instance: dg.DagsterInstance) -> None:
    """No lease and young: it may be about to take one."""

    @dg.job
    def play() -> None:
        pass

    run = instance.create_run_for_job(play)
    assert health(instance, run.run_id) is WorkerStatus.RUNNING
