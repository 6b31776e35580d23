"""Cycles of several classifiers at once, by the real daemon: two overlap, the third waits, a rollback does not."""

import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ratchet.storage.home import Home
from ratchet.storage.locks.process_locks import hold_lock
from ratchet.storage.rollout.flag_file import Flags
from ratchet.storage.rollout.ledger import Ledger
from ratchet.testing.homes import WORDS, SmallClassifier, write_pairs
from ratchet.workflows.rollout.nominate import nominate, shadow
from resources.run_locks import CYCLE_TAG

Processes = Callable[[Home], Any]
pytestmark = [pytest.mark.faults, pytest.mark.slow]
OTHERS = ("apples", "pears", "plums")
EARLY = "[window]\nearly_after_corrections = 10\n"


def cycles(instance: dg.DagsterInstance, *statuses: dg.DagsterRunStatus) -> set[str]:
    """Classifiers with a cycle in one of `statuses`."""
    runs = instance.get_runs(dg.RunsFilter(statuses=list(statuses), tags={CYCLE_TAG: list(OTHERS)}))
    return {run.tags[CYCLE_TAG] for run in runs}


def test_a_rollback_passes_a_full_queue_while_a_cycle_trains(
    dagster_processes: Processes, passed: Home, tmp_path: Path
) -> None:
    """Three classifiers ask for a cycle, two of them run up to the training that another process holds; then requests
    of a candidate begin to fail: its rollback is requested, run and answered by the flag, and nothing else moved."""
    home = Home(Path(shutil.copytree(passed.root, tmp_path / "home", symlinks=True)))
    for name in OTHERS:
        classifier = SmallClassifier(home, name)
        classifier.write(settings=EARLY)
        classifier.write_week(date(2026, 1, 5))
    shadow(home, nominate(home, "small"), now=datetime.now(UTC) - timedelta(minutes=31))
    state = Ledger(home).state("small")
    assert state.compared is not None
    processes = dagster_processes(home)
    started = dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING
    with hold_lock(home.training_lock, "a training of the test", print):
        processes.start("daemon")
        with processes.instance() as instance:
            processes.wait_until(lambda: len(cycles(instance, *started)) == 2, "two cycles run")
            processes.wait_until(lambda: cycles(instance, dg.DagsterRunStatus.QUEUED), "the third waits")
            waits = cycles(instance, dg.DagsterRunStatus.QUEUED)
            rows = [(f"2026-01-12-{n:04d}", list(WORDS)[n % 3], list(WORDS)[n % 3]) for n in range(80)]
            write_pairs(home, "small", state.compared, state.head.sequence, rows, error="out of memory")
            processes.wait_until(lambda: Flags(home).read().rollouts["small"].shadow is None, "it is rejected")
            assert cycles(instance, *started) == set(OTHERS) - waits
            assert cycles(instance, dg.DagsterRunStatus.QUEUED) == waits
    assert Ledger(home).entries("small")[-1].action == "reject"
    with processes.instance() as instance:
        processes.wait_until(
            lambda: cycles(instance, dg.DagsterRunStatus.SUCCESS) == set(OTHERS), "all three cycles have ended"
        )
