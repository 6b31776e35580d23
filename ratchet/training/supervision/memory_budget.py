"""Memory budget of a training: how much is computed at once, with a heartbeat after each piece.

Half the budget changes what is computed together, never the optimiser's batch. Add here other ways to need less memory;
the reaction to too little is decided in `supervisor.py`.
"""

import threading
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ratchet.core.failpoints import failpoint
from ratchet.models.token_batches import RunRows
from ratchet.training.batching import TOKENS_AT_ONCE
from ratchet.training.supervision.watchdog import heartbeat

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class MemoryBudget:
    """The usual memory of a training, or half of it."""

    halved: bool = False

    @property
    def tokens(self) -> int:
        """Most padded tokens whose activations are in memory at a time during training."""
        return TOKENS_AT_ONCE // 2 if self.halved else TOKENS_AT_ONCE

    def leave(self, rank: int = 0) -> None:
        """Give a heartbeat after one piece, computed by process `rank` of a pair."""
        heartbeat()
        if self.halved:
            return
        if rank:
            failpoint("training.second_process")
        else:
            failpoint("training.whole_batch")

    def watch(self, rows: RunRows) -> RunRows:
        """Wrap `rows` with a heartbeat per batch; half the budget computes one batch at a time, to the same bits."""
        turn = threading.Lock() if self.halved else nullcontext()

        def watched(ids: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
            with turn:
                result = rows(ids, mask)
            self.leave()
            return result

        return watched


FULL = MemoryBudget()
"""Budget of a first try."""
