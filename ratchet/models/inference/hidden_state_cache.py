"""Cache of the output of the lower layers for recent texts, for another adapter that gets the same texts.

Live answers a text, and a moment later the shadowed candidate gets it too; where neither adapts the lower layers, these
are computed only once. Add here how much is kept, and for how long. The caller is `multi_adapter_causal.py`.
"""

import threading
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

MOST_BYTES = 32 * 2**20  # some hundred texts: a shadow request comes soon, or not at all


class HiddenStateCache:
    """States [t, d] of rows by key, with the processor seconds of each; the oldest are evicted first. Thread-safe."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most, self._bytes = most_bytes, 0
        self._rows: OrderedDict[Hashable, tuple[torch.Tensor, float]] = OrderedDict()
        self._lock = threading.Lock()

    def recall(self, keys: Sequence[Hashable], longest: int) -> "tuple[torch.Tensor, float] | None":
        """States [n, longest, d] of these rows, padded with zeros, and their seconds; None if one is missing."""
        with self._lock:
            kept = [self._rows.get(key) for key in keys]
        known = [row for row in kept if row is not None]
        if not known or len(known) < len(keys):
            return None
        states = known[0][0].new_zeros(len(known), longest, known[0][0].shape[1])
        for into, (row, _) in zip(states, known, strict=True):
            into[: len(row)] = row
        return states, sum(seconds for _, seconds in known)

    def keep(self, keys: Sequence[Hashable], states: "torch.Tensor", lengths: Sequence[int], seconds: float) -> None:
        """Keep the rows of a padded batch [n, t, d], which took `seconds` together."""
        rows = [state[:length].clone() for state, length in zip(states, lengths, strict=True)]
        with self._lock:
            for key, row in zip(keys, rows, strict=True):
                self._forget(key)
                self._rows[key] = row, seconds / len(rows)
                self._bytes += row.nbytes
            while self._bytes > self._most:
                self._forget(next(iter(self._rows)))

    def _forget(self, key: Hashable) -> None:
        if (old := self._rows.pop(key, None)) is not None:
            self._bytes -= old[0].nbytes
