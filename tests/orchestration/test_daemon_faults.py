"""Dagster's real processes killed in the middle of a cycle and of a tick, late, or without their code: the next ones go
on."""

import random
import shutil
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import psutil
import pytest

from ratchet.storage.home import Home
from ratchet.storage.rollout.flag_file import Flags
from ratchet.storage.rollout.ledger import Ledger
from ratchet.testing.homes import WORDS, SmallClassifier, write_pairs
from ratchet.workflows.rollout.nominate import nominate, shadow

Processes = Callable[[Home], Any]
pytestmark = [
    pytest.mark.faults,
    pytest.mark.xdist_group("rollouts"),
    pytest.mark.slow,
]


def test_a_cycle_whose_machine_was_switched_off_is_begun_again(dagster_processes: Processes, tmp_path: Path) -> None:
    """F33: all processes are gone in the middle of a training; the run is called failed within two minutes, and done
    again."""
    small = SmallClassifier(Home(tmp_path))
    small.write()
    small.write_week(date(2026, 1, 5))
    processes = dagster_processes(small.home)
    processes.start("daemon", "webserver", RATCHET_FAILPOINT="training.before_result:sleep:600000")
    run = processes.launch("weekly_cycle", "small|2026-01-05")
    trained = small.home.training("small")
    processes.wait_until(lambda: list(trained.glob("*/candidate-0/outcome.json")), "the candidate is trained")
    processes.kill()
    assert processes.run(run).status is dg.DagsterRunStatus.STARTED
    started = time.monotonic()
    processes.start("daemon", "webserver")
    assert processes.end_of(run) == "FAILURE"
    seconds = time.monotonic() - started
    print(f"F33: called failed {seconds:.0f} s after the restart")  # noqa: T201 - shown by -rP
    assert seconds < 120

    def again() -> list[str]:
        with processes.instance() as instance:
            return [found.run_id for found in instance.get_runs() if found.parent_run_id == run]

    processes.wait_until(again, "the run is begun again")
    assert processes.end_of(*again()) == "SUCCESS"
    assert (small.home.reports("small") / "2026-01-05" / "eval_report.json").is_file()
    with processes.instance() as instance:
        assert {found.status for found in instance.get_runs()} <= {
            dg.DagsterRunStatus.SUCCESS,
            dg.DagsterRunStatus.FAILURE,
        }


@pytest.fixture
def due(passed: Home, tmp_path: Path) -> Home:
    """A candidate shadows, and its evidence carries the first step: 5 %, where it then stays for its dwell."""
    home = Home(Path(shutil.copytree(passed.root, tmp_path / "home", symlinks=True)))
    shadow(home, nominate(home, "small"), now=datetime.now(UTC) - timedelta(minutes=31))
    state = Ledger(home).state("small")
    assert state.compared is not None
    labels = list(WORDS)
    # live is wrong on the last two: a candidate that answers everything as live does is a copy, and climbs no step
    rows = [
        (f"2026-01-12-{number:04d}", labels[(number + (number >= 78)) % 3], labels[number % 3]) for number in range(80)
    ]
    write_pairs(home, "small", state.compared, state.head.sequence, rows)
    return home


def ticks(instance: dg.DagsterInstance) -> list[Any]:
    """The ticks of the promotion's sensor, the newest first."""
    found = [state for state in instance.all_instigator_state() if state.instigator_name == "promotion_sensor"]
    return [tick for state in found for tick in instance.get_ticks(state.instigator_origin_id, state.selector_id)]


def moves(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    """The runs that the sensor asked for."""
    return list(instance.get_runs(dg.RunsFilter(job_name="promotion")))


def steps(home: Home) -> list[int]:
    """The steps that were entered."""
    return [entry.percent for entry in Ledger(home).entries("small") if entry.action == "step"]


def settled(home: Home, processes: Any) -> bool:
    """The step is entered, the flag follows it, and nothing is under way any more."""
    with processes.instance() as instance:
        busy = [run for run in moves(instance) if not run.is_finished]
    return Flags(home).read().rollouts["small"].percent == 5 and not busy


def assert_moved_once(home: Home, processes: Any) -> None:
    """Wait for the step of 5 %; there is one, in the ledger and in the flag."""
    processes.wait_until(lambda: settled(home, processes), "the candidate is at 5 %")
    assert steps(home) == [5]
    found = Flags(home).read().rollouts["small"]
    assert (found.percent, found.head) == (5, Ledger(home).head("small"))


REACHED: dict[str, Callable[[dg.DagsterInstance, Home], object]] = {
    "a tick has begun": lambda instance, home: ticks(instance),
    "a run is asked for": lambda instance, home: moves(instance),
    "a run has started": lambda instance, home: [
        run for run in moves(instance) if run.status is dg.DagsterRunStatus.STARTED
    ],
    "the step is entered": lambda instance, home: steps(home),
}


def test_a_daemon_killed_in_its_tick_moves_once(
    dagster_processes: Processes, due: Home, planned: Callable[[str, int], int]
) -> None:
    """F23: all is killed as soon as each point is seen, then at points drawn at random; the end is one single step."""
    processes, draw = dagster_processes(due), random.Random(8)  # noqa: S311 - test data, guards nothing
    points = list(REACHED) + [draw.choice(list(REACHED)) for _ in range(planned("P", 0) // 10)]
    for point in points:
        processes.start("daemon")
        with processes.instance() as instance:
            processes.wait_until(
                lambda point=point, instance=instance: REACHED[point](instance, due), point, every_s=0.02
            )
        processes.kill()
    processes.start("daemon")
    assert_moved_once(due, processes)


def test_a_daemon_that_was_away_for_a_day_derives_anew(dagster_processes: Processes, due: Home) -> None:
    """F24: killed in its tick, and back after 25 hours, when Dagster resumes no tick: the next one needs none of it."""
    processes = dagster_processes(due)
    processes.start("daemon")
    with processes.instance() as instance:
        processes.wait_until(lambda: ticks(instance), "a tick has begun", every_s=0.02)
        processes.kill()
        for tick in ticks(instance):
            before = tick.tick_data._replace(timestamp=tick.timestamp - 25 * 3600)
            instance.update_tick(tick._replace(tick_data=before))
    processes.start("daemon")
    assert_moved_once(due, processes)


def test_a_daemon_without_its_code_server_goes_on(dagster_processes: Processes, due: Home) -> None:
    """F24: the process that holds the code is killed as soon as it is there, and once more in a tick."""
    processes = dagster_processes(due)
    processes.start("daemon")
    with processes.instance() as instance:
        for reached in (lambda: code_servers(processes), lambda: ticks(instance)):
            processes.wait_until(reached, "there is something to disturb", every_s=0.02)
            for server in code_servers(processes):
                server.kill()
    assert_moved_once(due, processes)


def code_servers(processes: Any) -> list[psutil.Process]:
    """The processes that serve the definitions to the daemon."""
    return [child for child in processes.family() if "grpc" in child.cmdline() or "code-server" in child.cmdline()]


def test_a_tick_that_takes_too_long_is_made_up_for(dagster_processes: Processes, due: Home) -> None:
    """F24: a tick that Dagster gives up on (here after two seconds) has done nothing; the next one, of another daemon,
    decides."""
    SmallClassifier(due).write_week(date(2026, 1, 19))
    processes = dagster_processes(due)
    slow = {"RATCHET_FAILPOINT": "landing.before_commit:sleep:20000", "DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS": "2"}
    processes.start("daemon", **slow)
    with processes.instance() as instance:
        processes.wait_until(lambda: [tick for tick in ticks(instance) if tick.is_failure], "the tick is given up")
    assert steps(due) == []
    processes.kill()
    processes.start("daemon")
    assert_moved_once(due, processes)
