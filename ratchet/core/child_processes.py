"""Child processes that never outlive their parent.

Add here how a process of ours is tied to the one that started it.
"""

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process (SIGKILL) when its parent `parent` ends, and lead a process group of its own.

    If the parent ended before the kernel was asked, the process ends at once. Linux only; elsewhere only the group is
    made.
    """
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)
    _ask_for_death_signal()
    # The parent may have ended before prctl ran; the kernel sends no signal for a death that is already past.
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def _ask_for_death_signal() -> None:
    if os.uname().sysname != "Linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
