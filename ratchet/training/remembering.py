"""The last and the best epoch of a training on the disk, so that one that was killed goes on as if it had not been.

A checkpoint is a folder `epoch-N` that holds the history so far, what was learned as `master/<name>`, and whatever else the
trainer needs to go on. Add here which epochs are kept and found again; how a checkpoint is written is in `checkpoints.py`.
"""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ratchet.errors import RatchetError
from ratchet.training.checkpoints import read_checkpoint, write_checkpoint
from ratchet.training.history import History, Tensors

if TYPE_CHECKING:
    import torch

MASTER = "master/"
"""What stands before the stored name of a tensor that was learned."""


def remember(folder: Path, history: History, tensors: Mapping[str, "torch.Tensor"]) -> None:
    """Write the last epoch of a history, and forget all but that and the best."""
    number = len(history.epochs)
    write_checkpoint(folder / f"epoch-{number}", tensors, history.as_json())
    for old in set(_finished_epochs(folder)) - {history.best, number}:
        shutil.rmtree(folder / f"epoch-{old}")


def recall(folder: Path) -> "tuple[History, Tensors | None]":
    """The history and all tensors of the last epoch from which a training can go on; None where it begins."""
    for number in sorted(_finished_epochs(folder), reverse=True):
        found = read_checkpoint(folder / f"epoch-{number}")
        if found is None:
            continue
        history = History.from_json(found[1])
        if read_checkpoint(folder / f"epoch-{history.best}") is not None:
            return replace(history, resumed_from=number), found[0]
    return History(), None


def recall_best(folder: Path, history: History) -> Tensors:
    """What was learned by the best epoch, by stored name; raises `RatchetError` where that is lost."""
    found = read_checkpoint(folder / f"epoch-{history.best}")
    if found is None:
        raise RatchetError("the best epoch's checkpoint is missing or damaged.", f"Remove {folder} and train again.")
    return masters_of(found[0])


def masters_of(tensors: Mapping[str, "torch.Tensor"]) -> Tensors:
    """The stored tensors of an adapter among those of a checkpoint."""
    return {name.removeprefix(MASTER): value for name, value in tensors.items() if name.startswith(MASTER)}


def _finished_epochs(folder: Path) -> list[int]:
    return [int(path.name.removeprefix("epoch-")) for path in folder.glob("epoch-*")]
