"""The heartbeat of a training: a process that gives no sign of life for too long is ended by the kernel itself.

The timer is the kernel's and so is what it does, for a process that hangs in C code runs no Python that could notice.
Add here how silence is measured; who acts on it is `supervisor.py`, and the signs of life are given where the work is
done.
"""

import faulthandler
import math
import os
import signal
from pathlib import Path
from typing import IO, Any

from ratchet.core.errors import RatchetError

SILENCE = "RATCHET_TRAINING_SILENCE_S"
DEFAULT_SILENCE_S = 120.0
"""Far more than the longest step of a slow machine takes, the imports at the start included."""
TRACE = "silent.txt"
"""In the work folder: where each thread stood when the silence had lasted too long."""


class _Heart:
    """One for each process, as the kernel's timer is."""

    silence_s = 0.0
    trace: IO[Any] | None = None


def read_silence() -> float:
    """Seconds of silence after which a training is ended, 0 for never; raises `RatchetError` for anything else."""
    asked = os.environ.get(SILENCE, "") or str(DEFAULT_SILENCE_S)
    try:
        silence_s = float(asked)
    except ValueError:
        silence_s = math.nan
    if not 0 <= silence_s < math.inf:
        raise RatchetError(f"{SILENCE} is {asked!r}, no number of seconds.", f"Unset it, or set {DEFAULT_SILENCE_S:g}.")
    return silence_s


def start_watchdog(silence_s: float, folder: Path) -> None:
    """From now on SIGALRM ends this process once `heartbeat` was not called for `silence_s` seconds; 0 is never.

    Where each thread stood is then added to `silent.txt` in `folder`: to a file, since writing to a pipe that nobody
    reads is one way to hang.
    """
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # whoever started us may have had it ignored, or blocked
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
    _Heart.silence_s = silence_s
    _Heart.trace = (folder / TRACE).open("a", encoding="utf-8")
    faulthandler.register(signal.SIGALRM, file=_Heart.trace, chain=True)
    heartbeat()


def heartbeat(times: int = 1) -> None:
    """Something got done: silence is counted anew. What cannot be told step by step asks for `times` as long.

    Does nothing in a process that has not called `start_watchdog`.
    """
    if _Heart.silence_s:
        signal.setitimer(signal.ITIMER_REAL, times * _Heart.silence_s)
