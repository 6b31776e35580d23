"""Locks by which one process at a time does a piece of work; the others wait with pauses, and say for whom.

A lock is the kernel's, on a file that stays: however its holder ends, also by a kill, the next one gets it at once.
Leases, which tell whether one piece of work is alive, are `leases.py`; the warehouse has DuckDB's own lock.
"""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 2.0
_HELD: dict[Path, tuple[int, int]] = {}
"""By path: descriptor and number of holders, all of this process, so that a step may hold what its run holds."""


@contextmanager
def hold_lock(path: Path, work: str, on_wait: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock at `path` during the block; holding it again in the same process shares it.

    `work` is what others read while they wait. `on_wait` gets one sentence when another process holds the lock; then
    this one waits without an end, and an interruption ends the waiting.
    """
    with share_descriptor(path, lambda: _open(path, work, on_wait), os.close):
        yield


@contextmanager
def try_lock(path: Path) -> Iterator[bool]:
    """Hold the lock at `path` during the block and yield True; yield False at once where another process holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o660)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        yield False
        return
    try:
        yield True
    finally:
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Return True where a process holds the lock at `path`; nothing is made."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextmanager
def share_descriptor(path: Path, take: Callable[[], int], give_back: Callable[[int], None]) -> Iterator[None]:
    """Hold during the block what `take` opens; every holder of `path` in this process shares it, the last ends it."""
    descriptor, holders = _HELD.get(path, (-1, 0))
    _HELD[path] = descriptor if holders else take(), holders + 1
    try:
        yield
    finally:
        descriptor, holders = _HELD[path]
        _HELD[path] = descriptor, holders - 1
        if holders == 1:
            del _HELD[path]
            give_back(descriptor)


def _open(path: Path, work: str, on_wait: Callable[[str], None]) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    # a link in place of the lock would make us write to whatever it points at
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o660)
    try:
        _acquire(descriptor, work, on_wait)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _acquire(descriptor: int, work: str, on_wait: Callable[[str], None]) -> None:
    pause, waited = _FIRST_PAUSE_S, False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not waited:
                on_wait(f"waiting for {_holder(descriptor)} to end")
            waited = True
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)
        else:
            break
    content = json.dumps({"pid": os.getpid(), "work": work}).encode()
    with suppress(OSError):  # for those who wait: a full disk or a torn text costs them the name, never the lock
        os.pwrite(descriptor, content, 0)
        os.ftruncate(descriptor, len(content))


def _holder(descriptor: int) -> str:
    try:
        held = json.loads(os.pread(descriptor, 4096, 0))
        return f"{held['work']} (process {held['pid']})"
    except (ValueError, TypeError, KeyError):
        return "another process"
