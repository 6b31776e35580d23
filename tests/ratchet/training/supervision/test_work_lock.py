"""Processes die with the one that started them; a lease keeps a second trainer out."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from ratchet.core.errors import RatchetError
from ratchet.training.plan import TrainingPlan
from ratchet.training.supervision.work_lock import lock_work_folder

pytestmark = [pytest.mark.usefixtures("pair"), pytest.mark.slow]

TIED = "from ratchet.core.child_processes import die_with_parent; die_with_parent(os.getppid())"
LAUNCHER = "import subprocess, sys; subprocess.run(sys.argv[1:])"


def launch_and_kill(command: list[str], ready: Callable[[int], bool]) -> list[psutil.Process]:
    """Start `command` below a launcher, wait until it is ready, kill -9 the launcher; return who lives 5 s later."""
    with subprocess.Popen([sys.executable, "-c", LAUNCHER, *command], stdout=subprocess.PIPE) as launcher:
        while launcher.poll() is None and not ready(launcher.pid):
            psutil.wait_procs([psutil.Process(launcher.pid)], timeout=0.05)
        family = psutil.Process(launcher.pid).children(recursive=True)
        assert family, "the launcher started nothing"
        os.kill(launcher.pid, signal.SIGKILL)
        launcher.wait()
        _, alive = psutil.wait_procs(family, timeout=5)
    return alive


def speaks(pid: int) -> bool:
    """Whether the grandchild waits in `signal.pause`, its preparations done."""
    return any(child.status() == psutil.STATUS_SLEEPING for child in psutil.Process(pid).children())


@pytest.mark.parametrize(("tie", "orphans"), [(TIED, 0), ("", 1)], ids=["tied", "mutant"])
def test_a_tied_process_dies_with_its_parent(tie: str, orphans: int, tmp_path: Path) -> None:
    """Fault F30: kill -9 of the launcher leaves no orphan; the planted mutant, never tied, is one."""
    done = tmp_path / "done"
    program = f"import os, signal\n{tie}\nopen({str(done)!r}, 'w').close()\nsignal.pause()"
    alive = launch_and_kill([sys.executable, "-c", program], lambda pid: done.exists() and speaks(pid))
    for process in alive:
        process.kill()
    assert len(alive) == orphans


def test_no_process_of_a_training_outlives_its_launcher(
    tmp_path: Path,
    make_plan: Callable[..., TrainingPlan],
    prepare_work: Callable[[Path, TrainingPlan], Path],
) -> None:
    """Fault F30 with the real trainer in the middle of its epochs: its three processes are gone, the folder is free."""
    work = prepare_work(tmp_path, make_plan({"epochs": 100_000, "patience": 100_000}))

    def training(pid: int) -> bool:
        return (
            any(work.glob("candidate-0/checkpoints/epoch-*")) and len(psutil.Process(pid).children(recursive=True)) == 3
        )

    assert launch_and_kill([sys.executable, "-m", "ratchet.training", str(work)], training) == []
    with lock_work_folder(work, wait_s=0):
        pass


def test_a_lease_is_held_once(tmp_path: Path) -> None:
    """The second holder is told which folder is busy; after the first has left, the lease is free."""
    with (
        lock_work_folder(tmp_path),
        pytest.raises(RatchetError, match="another training is running"),
        lock_work_folder(tmp_path, wait_s=0),
    ):
        pass
    with lock_work_folder(tmp_path, wait_s=0):
        pass
