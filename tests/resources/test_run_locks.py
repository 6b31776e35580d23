"""A run holds the lock of its classifier where it belongs to a weekly cycle, and no lock where it does not."""

import fcntl
from pathlib import Path

import dagster as dg
import pytest

from ratchet.core.errors import RatchetError
from ratchet.storage.home import Home
from resources.storage import build_stores

RUNS: dict[str, tuple[dict[str, str], list[str]]] = {
    "a cycle, or steps of one": ({"dagster/partition": "tickets|2026-01-05"}, ["tickets"]),
    "a promotion": ({"ratchet/classifier": "tickets"}, []),
}


def locked(home: Home) -> list[str]:
    """Classifiers whose lock somebody holds."""
    found = []
    for path in home.root.glob("*/cycle.lock"):
        with path.open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                found.append(path.parent.name)
    return found


@pytest.mark.parametrize("run", RUNS)
def test_a_run_holds_the_lock_of_its_cycle_while_it_lives(tmp_path: Path, run: str) -> None:
    """Other classifiers are free, and afterwards this one is, too."""
    tags, expected = RUNS[run]
    seen: list[list[str]] = []

    @dg.op(required_resource_keys={"home", "ledger"})
    def step() -> None:
        seen.append(locked(Home(tmp_path)))

    @dg.job(resource_defs=build_stores(str(tmp_path)), executor_def=dg.in_process_executor)
    def play() -> None:
        step()

    with dg.DagsterInstance.ephemeral() as instance:
        assert play.execute_in_process(instance=instance, tags=tags).success
    assert seen == [expected]
    assert locked(Home(tmp_path)) == []


def test_a_run_without_a_partition_cannot_open_a_warehouse(tmp_path: Path) -> None:
    """One sentence says what to launch instead."""
    resource = build_stores(str(tmp_path))["warehouse"]
    with pytest.raises(RatchetError, match="no partition") as error:
        resource.store(Home(tmp_path), None)
    assert error.value.hint == "Launch it for a partition: a classifier and a week."
