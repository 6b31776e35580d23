"""Watchdog of a training: the kernel ends a process that gives no heartbeat for too long.

Timer and signal are the kernel's, since a process that hangs in C code runs no Python that could notice. Add here how
silence is measured; `supervisor.py` acts on it, and heartbeats are given where the work is done.
"""

import faulthandler
import math
import os
import signal
from pathlib import Path
from typing import IO, Any

from ratchet.core.errors import RatchetError
from ratchet.core.timeouts import TRAINING_SILENCE_S

SILENCE = "RATCHET_TRAINING_SILENCE_S"
TRACE = "silent.txt"
"""File in the work folder with the stack of each thread of a process that hung."""


class _Heart:
    """State of the watchdog; one per process, like the kernel's timer."""

    silence_s = 0.0
    trace: IO[Any] | None = None


def read_silence() -> float:
    """Seconds of silence after which a training is ended, 0 for never; raises `RatchetError` for other values."""
    value = os.environ.get(SILENCE, "") or str(TRAINING_SILENCE_S)
    try:
        silence_s = float(value)
    except ValueError:
        silence_s = math.nan
    if not 0 <= silence_s < math.inf:
        raise RatchetError(
            f"{SILENCE} is {value!r}, not a number of seconds.", f"Unset it, or set {TRAINING_SILENCE_S:g}."
        )
    return silence_s


def start_watchdog(silence_s: float, folder: Path) -> None:
    """Let SIGALRM end this process after `silence_s` seconds without a call of `heartbeat`; 0 is never.

    The stack of each thread is then added to `silent.txt` in `folder`, a file, since a full pipe is one way to hang.
    """
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # the parent may have had it ignored or blocked
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
    _Heart.silence_s = silence_s
    _Heart.trace = (folder / TRACE).open("a", encoding="utf-8")
    faulthandler.register(signal.SIGALRM, file=_Heart.trace, chain=True)
    heartbeat()


def heartbeat(times: int = 1) -> None:
    """Restart the timer; a step that cannot report progress in between asks for `times` as long.

    Does nothing in a process that has not called `start_watchdog`.
    """
    if _Heart.silence_s:
        signal.setitimer(signal.ITIMER_REAL, times * _Heart.silence_s)
