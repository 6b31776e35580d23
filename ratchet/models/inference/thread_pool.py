"""Threads of our own that each compute a part of a batch: torch's own threads wait for each other on small matrices.

Add here how a batch is parted. What a part is computed by is said by whoever has the batch.
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
    """As many threads as there are cores, two at most; the one that asks is one of them."""

    def __init__(self, name: str) -> None:
        self._helpers = ThreadPoolExecutor(max(1, _MOST - 1), thread_name_prefix=name)

    def share(self, work: Callable[[Part], Result], batch: Sequence[int] | Part) -> list[Result]:
        """What `work` gives for each part of a batch of numbers, all at once, in order; returns or raises when all have
        ended."""
        mine, *others = np.array_split(np.asarray(batch, dtype=np.int64), min(_MOST, len(batch) or 1))
        helped = [self._helpers.submit(work, part) for part in others]
        try:
            return [work(mine), *(future.result() for future in helped)]
        finally:
            wait(helped)
