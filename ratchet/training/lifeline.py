"""Processes that never outlive the one that started them, and a lease that keeps a second trainer out.

Add here what ties a training process to its parent and its folder; what it trains is decided elsewhere.
"""

import ctypes
import fcntl
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ratchet.errors import RatchetError

_PR_SET_PDEATHSIG = 1
_POLL_S = 0.1


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process (SIGKILL) when its parent `parent` ends, and lead an own process group.

    A parent that ended before the kernel was asked is noticed too: the process then ends at once. Linux only; elsewhere
    nothing is asked for.
    """
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)
    _ask_for_death_signal()
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def _ask_for_death_signal() -> None:
    if os.uname().sysname != "Linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")


@contextmanager
def hold_lease(work: Path, wait_s: float = 2.0) -> Iterator[int]:
    """Hold the work folder's lease; yields the descriptor, which children inherit so that it lives as long as they do.

    The kernel gives the lease back however the holders end. Raises `RatchetError` when another trainer still holds it
    after `wait_s` seconds.
    """
    descriptor = os.open(work / ".lease", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        deadline = time.monotonic() + wait_s
        while not _try_lock(descriptor):
            if time.monotonic() > deadline:
                raise RatchetError(
                    f"another trainer is at work in {work}.",
                    "Wait until it has finished; its result is then reused.",
                    code="training_busy",
                )
            time.sleep(_POLL_S)
        yield descriptor
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
