"""A training and the memory of its machine: it keeps little that it does not need, and goes first when there is too
little.

Add here other ways for a training process to stay small.
"""

import ctypes
import os
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # of glibc's malloc.h
_LARGE = 1 << 20
_FIRST_TO_GO = 800  # of 1000


def keep_heap_small() -> None:
    """Have blocks of 1 MiB and more returned to the system once freed, and all threads share one heap; glibc only.

    By default glibc raises its threshold to the largest block ever freed, and every batch of another shape leaves a
    hole.
    """
    if (libc := _glibc()) is not None:
        libc.mallopt(_M_MMAP_THRESHOLD, _LARGE)
        libc.mallopt(_M_ARENA_MAX, 1)


def return_freed_memory() -> None:
    """Give the free pages between smaller blocks back too: a millisecond or two; glibc only."""
    if (libc := _glibc()) is not None:
        libc.malloc_trim(0)


def die_before_others() -> None:
    """Have the kernel, short of memory, kill this process rather than the gateway or Dagster; Linux only."""
    with suppress(OSError):  # no such file elsewhere, and some containers let nobody write it
        Path("/proc/self/oom_score_adj").write_text(str(_FIRST_TO_GO))


@cache
def _glibc() -> Any:
    libc = ctypes.CDLL(None) if os.uname().sysname == "Linux" else None
    return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None
