"""What is known of a training after some of its epochs, whoever trains: their figures, which is best, whether another
follows.

Add here another figure of an epoch, or another reason to stop. What lies on the disk meanwhile is in `checkpoints.py`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from ratchet.config.candidate import Candidate

if TYPE_CHECKING:
    import torch

Tensors = dict[str, "torch.Tensor"]


@dataclass(frozen=True)
class ValidationMetrics:
    """How good uncalibrated probabilities are on the calibration split."""

    macro_f1: float
    nll: float
    ece: float
    brier: float


@dataclass(frozen=True)
class Epoch:
    """One finished epoch; `epoch` counts from 1, `train_loss` is the mean weighted cross-entropy."""

    epoch: int
    train_loss: float
    macro_f1: float
    nll: float
    ece: float
    brier: float
    seconds: float
    """With evaluation."""
    train_seconds: float


@dataclass(frozen=True)
class History:
    """What is known after some epochs: enough to go on, or to stop."""

    epochs: tuple[Epoch, ...] = ()
    best: int = 0
    """The epoch with the lowest calibration NLL, the earliest of equals; 0 before the first."""
    resumed_from: int | None = None
    halved: bool = False
    """Whether any of them was trained in half the room."""

    def as_json(self) -> dict[str, Any]:
        """What a checkpoint says of it; where it was resumed is no part of that."""
        return {"epochs": [asdict(epoch) for epoch in self.epochs], "best": self.best, "halved": self.halved}

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> "History":
        """Inverse of `as_json`."""
        return cls(tuple(Epoch(**epoch) for epoch in state["epochs"]), state["best"], halved=state.get("halved", False))

    def with_epoch(self, epoch: Epoch) -> "History":
        """The history one epoch later."""
        better = self.best == 0 or epoch.nll < self.epochs[self.best - 1].nll
        return replace(self, epochs=(*self.epochs, epoch), best=epoch.epoch if better else self.best)

    def stopped_early(self, candidate: Candidate) -> bool:
        """Whether `patience` epochs passed without a better calibration NLL, before the last epoch."""
        return len(self.epochs) < candidate.epochs and len(self.epochs) - self.best >= candidate.patience

    def finished(self, candidate: Candidate) -> bool:
        """Whether no further epoch is to be trained."""
        return len(self.epochs) >= candidate.epochs or self.stopped_early(candidate)
