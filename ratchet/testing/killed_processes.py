"""Real processes that are killed (-9) in the middle of their work, and the lines that they printed until then.

For tests of what survives: the process prints a line for everything that was acknowledged, and is killed after a given
number of lines, or at a failpoint. Add here other ways to end a process; disks in memory are in
`ratchet/testing/disk/faulty_disk.py`.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence

from ratchet.core.failpoints import VARIABLE


def run_and_kill(script: str, arguments: Sequence[object], lines: int) -> list[str]:
    """Run a Python script, kill it after `lines` lines of output, and return all complete lines that it printed."""
    with subprocess.Popen(
        _command(script, arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        printed = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        printed += process.stdout.readlines()
        _, error = process.communicate()
    if process.returncode != -signal.SIGKILL:
        raise RuntimeError(f"the process ended by itself ({process.returncode}): {error}")
    return [line[:-1] for line in printed if line.endswith("\n")]


def run_until_failpoint(
    script: str, arguments: Sequence[object], name: str, action: str = "kill"
) -> tuple[int, list[str]]:
    """Run a Python script that fails at the failpoint `name`; returns its exit status (negative: signal) and lines."""
    environment = {**os.environ, VARIABLE: f"{name}:{action}"}
    done = subprocess.run(_command(script, arguments), env=environment, stdout=subprocess.PIPE, text=True, check=False)
    return done.returncode, [line for line in done.stdout.split("\n")[:-1] if line]


def fork_until_failpoint(work: Callable[[], object], name: str, action: str = "kill") -> int:
    """Run `work` in a copy of this process that fails at the failpoint `name`; returns its exit status (negative:
    signal).

    A copy costs no imports. Only for work without threads: plain files, SQLite.
    """
    child = os.fork()
    if child == 0:
        try:
            os.environ[VARIABLE] = f"{name}:{action}"
            with open(os.devnull, "w") as nothing:  # noqa: PTH123 - the copy shares its output with this process
                os.dup2(nothing.fileno(), 1)
                os.dup2(nothing.fileno(), 2)
            work()
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _command(script: str, arguments: Sequence[object]) -> list[str]:
    return [sys.executable, "-c", script, *map(str, arguments)]
