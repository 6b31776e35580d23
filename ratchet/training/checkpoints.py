"""What a training remembers after each epoch: safetensors and JSON in one folder, complete or not there at all.

Add here how progress is stored and found again; what the tensors mean is decided in `epochs.py`.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratchet.files import fsync_folder, publish
from ratchet.identity import canonical_json, digest_bytes

if TYPE_CHECKING:
    import torch

_FILES = ("state.json", "tensors.safetensors")


def write_checkpoint(folder: Path, tensors: Mapping[str, "torch.Tensor"], state: Mapping[str, Any]) -> None:
    """Write a checkpoint folder: staged beside its place, manifest last, then renamed over what was there."""
    from safetensors.torch import save

    stage = folder.with_name(f".{folder.name}.stage")
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(parents=True)
    content = {"state.json": canonical_json(state).encode(), "tensors.safetensors": save(dict(tensors))}
    manifest = {name: digest_bytes(data) for name, data in content.items()}
    for name, data in {**content, "manifest.json": canonical_json(manifest).encode()}.items():
        part = stage / f".{name}"
        part.write_bytes(data)
        publish(part, stage / name)
    if folder.exists():
        shutil.rmtree(folder)
    stage.rename(folder)
    fsync_folder(folder.parent)


def read_checkpoint(folder: Path) -> tuple[dict[str, "torch.Tensor"], dict[str, Any]] | None:
    """The tensors and state of a checkpoint, or None where it is missing or any byte differs from its manifest."""
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
