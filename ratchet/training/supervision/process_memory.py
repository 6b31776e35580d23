"""Memory of a training process: a small heap, and the first to be killed when the machine runs out.

Add here other ways to keep a training process small.
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
    """Return freed blocks of 1 MiB and more to the system, and let all threads share one heap; glibc only.

    By default glibc raises that threshold to the largest block ever freed, and batches of other shapes leave holes.
    """
    if (libc := _glibc()) is not None:
        libc.mallopt(_M_MMAP_THRESHOLD, _LARGE)
        libc.mallopt(_M_ARENA_MAX, 1)


def return_freed_memory() -> None:
    """Return free pages between smaller blocks to the system, in a millisecond or two; glibc only."""
    if (libc := _glibc()) is not None:
        libc.malloc_trim(0)


def die_before_others() -> None:
    """Let the kernel, out of memory, kill this process rather than the gateway or Dagster; Linux only."""
    with suppress(OSError):  # Linux only, and read-only in some containers
        Path("/proc/self/oom_score_adj").write_text(str(_FIRST_TO_GO))


@cache
def _glibc() -> Any:
    libc = ctypes.CDLL(None) if os.uname().sysname == "Linux" else None
    return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None
