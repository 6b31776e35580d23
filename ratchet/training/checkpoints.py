"""Checkpoints after each epoch: safetensors and JSON in one folder, complete or absent.

Add here how progress is stored and found again; `ratchet/training/native/loop.py` decides what the tensors mean.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratchet.core.digests import canonical_json, digest_bytes
from ratchet.core.errors import RatchetError
from ratchet.core.files import fsync_folder, publish_file
from ratchet.training.history import History, Tensors

if TYPE_CHECKING:
    import torch

_FILES = ("state.json", "tensors.safetensors")


def write_checkpoint(folder: Path, tensors: Mapping[str, "torch.Tensor"], state: Mapping[str, Any]) -> None:
    """Write a checkpoint folder: staged beside its final place, manifest last, then renamed over the old one."""
    from safetensors.torch import save

    stage = folder.with_name(f".{folder.name}.stage")
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(parents=True)
    content = {"state.json": canonical_json(state).encode(), "tensors.safetensors": save(dict(tensors))}
    manifest = {name: digest_bytes(data) for name, data in content.items()}
    for name, data in {**content, "manifest.json": canonical_json(manifest).encode()}.items():
        part = stage / f".{name}"
        part.write_bytes(data)
        publish_file(part, stage / name)
    if folder.exists():
        shutil.rmtree(folder)
    stage.rename(folder)
    fsync_folder(folder.parent)


def read_checkpoint(folder: Path) -> tuple[dict[str, "torch.Tensor"], dict[str, Any]] | None:
    """Tensors and state of a checkpoint; None where it is missing or a byte differs from its manifest."""
    from safetensors.torch import load

    if not (folder / "manifest.json").is_file():
        return None
    content = {name: (folder / name).read_bytes() for name in _FILES if (folder / name).is_file()}
    try:
        manifest = json.loads((folder / "manifest.json").read_bytes())
    except ValueError:
        return None
    if manifest != {name: digest_bytes(data) for name, data in content.items()} or len(content) != len(_FILES):
        return None
    return load(content["tensors.safetensors"]), json.loads(content["state.json"])


MASTER = "master/"
"""Prefix of the stored name of a trained tensor."""


def save_epoch(folder: Path, history: History, tensors: Mapping[str, "torch.Tensor"]) -> None:
    """Write the last epoch of a history; delete all others but the best."""
    number = len(history.epochs)
    write_checkpoint(folder / f"epoch-{number}", tensors, history.as_json())
    for old in set(_finished_epochs(folder)) - {history.best, number}:
        shutil.rmtree(folder / f"epoch-{old}")


def load_last_epoch(folder: Path) -> "tuple[History, Tensors | None]":
    """Return the history and tensors of the last epoch to resume from; an empty history and None without one."""
    for number in sorted(_finished_epochs(folder), reverse=True):
        result = read_checkpoint(folder / f"epoch-{number}")
        if result is None:
            continue
        history = History.from_json(result[1])
        # without the best epoch's tensors a resumed training could end with nothing to write
        if read_checkpoint(folder / f"epoch-{history.best}") is not None:
            return replace(history, resumed_from=number), result[0]
    return History(), None


def load_best_epoch(folder: Path, history: History) -> Tensors:
    """Load the trained tensors of the best epoch, by stored name; raises `RatchetError` where they are lost."""
    result = read_checkpoint(folder / f"epoch-{history.best}")
    if result is None:
        raise RatchetError("the best epoch's checkpoint is missing or damaged.", f"Delete {folder} and train again.")
    return masters_of(result[0])


def masters_of(tensors: Mapping[str, "torch.Tensor"]) -> Tensors:
    """Select the adapter's tensors from those of a checkpoint."""
    return {name.removeprefix(MASTER): value for name, value in tensors.items() if name.startswith(MASTER)}


def _finished_epochs(folder: Path) -> list[int]:
    return [int(path.name.removeprefix("epoch-")) for path in folder.glob("epoch-*")]
