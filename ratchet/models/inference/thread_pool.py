"""Threads that each compute a part of a batch, because torch's own threads wait for each other on small matrices.

Add here how a batch is split. The function that computes a part comes from the caller.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, TypeVar

import numpy as np

Part = np.ndarray[Any, np.dtype[np.int64]]
Result = TypeVar("Result")
_MOST = min(2, os.cpu_count() or 1)


class WorkerThreads:
    """Pool of as many threads as there are cores, two at most, including the caller's own thread."""

    def __init__(self, name: str) -> None:
        self._helpers = ThreadPoolExecutor(max(1, _MOST - 1), thread_name_prefix=name)

    def share(self, work: Callable[[Part], Result], batch: Sequence[int] | Part) -> list[Result]:
        """Run `work` on all parts of a batch at once; results in order. Returns or raises only when all have ended."""
        mine, *others = np.array_split(np.asarray(batch, dtype=np.int64), min(_MOST, len(batch) or 1))
        helped = [self._helpers.submit(work, part) for part in others]
        try:
            return [work(mine), *(future.result() for future in helped)]
        finally:
            wait(helped)
