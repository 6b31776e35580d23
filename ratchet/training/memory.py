"""What the C library keeps of memory that was given back: as little as possible, for two trainers share one small machine.

Add here other ways for a training process to stay small.
"""

import ctypes
import os

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # of glibc's malloc.h
_LARGE = 1 << 20


def return_freed_memory() -> None:
    """Have blocks of 1 MiB and more returned to the system once freed, and all threads share one heap; glibc only.

    By default glibc raises its threshold to the largest block ever freed, and every batch of another shape leaves a hole.
    """
    if os.uname().sysname == "Linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(_M_MMAP_THRESHOLD, _LARGE)
        libc.mallopt(_M_ARENA_MAX, 1)
