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
    macro_nll: float | None = None
    """NLL averaged over true classes, by which epochs are chosen; None in figures of an earlier version."""


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
    macro_nll: float | None = None


@dataclass(frozen=True)
class History:
    """Finished epochs of a training; enough to resume or to stop."""

    epochs: tuple[Epoch, ...] = ()
    best: int = 0
    """The epoch with the lowest calibration NLL averaged over true classes, the earliest of equals; 0 before the first.
    """
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
        """History with one more epoch.

        A training that an earlier version began, whose epochs have the NLL over items alone, ends by that figure.
        """
        by_class = all(each.macro_nll is not None for each in (*self.epochs, epoch))
        loss = {each.epoch: each.macro_nll if by_class else each.nll for each in (*self.epochs, epoch)}
        better = self.best == 0 or float(loss[epoch.epoch] or 0) < float(loss[self.best] or 0)
        return replace(self, epochs=(*self.epochs, epoch), best=epoch.epoch if better else self.best)

    def stopped_early(self, candidate: Candidate) -> bool:
        """True where `patience` epochs brought no better calibration NLL by class and epochs are left."""
        return len(self.epochs) < candidate.epochs and len(self.epochs) - self.best >= candidate.patience

    def finished(self, candidate: Candidate) -> bool:
        """True where no further epoch is to be trained."""
        return len(self.epochs) >= candidate.epochs or self.stopped_early(candidate)
