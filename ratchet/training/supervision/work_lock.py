"""Processes that never outlive the one that started them, and a lease that keeps a second trainer out.

Add here what ties a training process to its parent and its folder; what it trains is decided elsewhere.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ratchet.core.errors import RatchetError

_POLL_S = 0.1


@contextmanager
def lock_work_folder(work: Path, wait_s: float = 2.0) -> Iterator[int]:
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
