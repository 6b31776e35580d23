"""Processes that never outlive the one that started them."""

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1


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
