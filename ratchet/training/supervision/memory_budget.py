"""How much of a training is in memory at once, and what happens after each piece: a sign of life.

Half the room changes what is computed together, never what is learned from: the optimiser's batch stays as it is. Add
here other ways to need less memory; what happens when there is too little is decided in `supervisor.py`.
"""

import threading
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ratchet.core.failpoints import failpoint
from ratchet.models.tokenization import RunRows
from ratchet.training.batching import TOKENS_AT_ONCE
from ratchet.training.supervision.watchdog import heartbeat

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class MemoryBudget:
    """All the room that a training takes by itself, or half of it."""

    halved: bool = False

    @property
    def tokens(self) -> int:
        """Padded tokens whose activations are held at a time while the model learns."""
        return TOKENS_AT_ONCE // 2 if self.halved else TOKENS_AT_ONCE

    def leave(self, rank: int = 0) -> None:
        """A piece is computed, by the process `rank` of a pair."""
        heartbeat()
        if self.halved:
            return
        if rank:
            failpoint("training.second_process")
        else:
            failpoint("training.whole_batch")

    def watch(self, rows: RunRows) -> RunRows:
        """`rows` that leaves the room after each batch. In half the room one batch is computed at a time, which changes
        no bit."""
        turn = threading.Lock() if self.halved else nullcontext()

        def watched(ids: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
            with turn:
                result = rows(ids, mask)
            self.leave()
            return result

        return watched


FULL = MemoryBudget()
"""As a training begins."""
