"""History of a training, for every trainer: the figures of each epoch, the best one, and when to stop.

Add here another figure of an epoch, or another reason to stop. The files on disk are in `checkpoints.py`.
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
    """Quality of uncalibrated probabilities on the calibration split."""

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
    """Training and evaluation together."""
    train_seconds: float


@dataclass(frozen=True)
class History:
    """Finished epochs of a training; enough to resume or to stop."""

    epochs: tuple[Epoch, ...] = ()
    best: int = 0
    """The epoch with the lowest calibration NLL, the earliest of equals; 0 before the first."""
    resumed_from: int | None = None
    halved: bool = False
    """True where an epoch was trained with half the memory budget."""

    def as_json(self) -> dict[str, Any]:
        """Content of a checkpoint's `state.json`; `resumed_from` is left out."""
        return {"epochs": [asdict(epoch) for epoch in self.epochs], "best": self.best, "halved": self.halved}

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> "History":
        """Inverse of `as_json`."""
        return cls(tuple(Epoch(**epoch) for epoch in state["epochs"]), state["best"], halved=state.get("halved", False))

    def with_epoch(self, epoch: Epoch) -> "History":
        """History with one more epoch."""
        better = self.best == 0 or epoch.nll < self.epochs[self.best - 1].nll
        return replace(self, epochs=(*self.epochs, epoch), best=epoch.epoch if better else self.best)

    def stopped_early(self, candidate: Candidate) -> bool:
        """True where `patience` epochs brought no better calibration NLL and epochs are left."""
        return len(self.epochs) < candidate.epochs and len(self.epochs) - self.best >= candidate.patience

    def finished(self, candidate: Candidate) -> bool:
        """True where no further epoch is to be trained."""
        return len(self.epochs) >= candidate.epochs or self.stopped_early(candidate)
