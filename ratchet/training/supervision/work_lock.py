"""Lock of a work folder, which keeps a second training out.

Add here what ties training processes to their folder; what ties them to their parent is in
`ratchet/core/child_processes.py`.
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
    """Hold the lock of a work folder; yield its descriptor, which children inherit.

    The lock lasts as long as any of them runs, and the kernel releases it however they end. Raises `RatchetError` where
    another training still holds it after `wait_s` seconds.
    """
    descriptor = os.open(work / ".lease", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        deadline = time.monotonic() + wait_s
        while not _try_lock(descriptor):
            if time.monotonic() > deadline:
                raise RatchetError(
                    f"another training is running in {work}.",
                    "Wait until it has finished; its result will be reused.",
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
