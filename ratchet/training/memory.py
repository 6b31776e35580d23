"""What the C library keeps of memory that was given back: as little as possible, for two trainers share one small machine.

Add here other ways for a training process to stay small.
"""

import ctypes
import os
from functools import cache
from typing import Any

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # of glibc's malloc.h
_LARGE = 1 << 20


def keep_heap_small() -> None:
    """Have blocks of 1 MiB and more returned to the system once freed, and all threads share one heap; glibc only.

    By default glibc raises its threshold to the largest block ever freed, and every batch of another shape leaves a hole.
    """
    if (libc := _glibc()) is not None:
        libc.mallopt(_M_MMAP_THRESHOLD, _LARGE)
        libc.mallopt(_M_ARENA_MAX, 1)


def return_freed_memory() -> None:
    """Give the free pages between smaller blocks back too: a millisecond or two; glibc only."""
    if (libc := _glibc()) is not None:
        libc.malloc_trim(0)


@cache
def _glibc() -> Any:
    libc = ctypes.CDLL(None) if os.uname().sysname == "Linux" else None
    return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None
