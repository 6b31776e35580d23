"""Corruptions of an adapter folder: its settings, its card, the tensors and the header of its weights, its files.

Each function makes or is a `Corruption`, or an edit for one of them; it changes a folder in place. Add here another way
to change a file; the changes that tests try, and the errors that they must raise, are listed in `hostile.py`.
"""

import json
import os
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ratchet.models.adapters.format import CARD, CONFIG

WEIGHTS = "adapter_model.safetensors"
Corruption = Callable[[Path], object]
TensorDict = dict[str, Any]


def change_config(**changes: Any) -> Corruption:
    """Change settings in adapter_config.json."""
    return lambda folder: _change(folder / CONFIG, changes)


def change_card(**changes: Any) -> Corruption:
    """Change values in ratchet.json."""
    return lambda folder: _change(folder / CARD, changes)


def change_tensors(edit: Callable[[TensorDict], object]) -> Corruption:
    """Change the tensors in the weights file, in place."""

    def change(folder: Path) -> None:
        from safetensors.numpy import load_file, save_file

        tensors = load_file(folder / WEIGHTS)
        edit(tensors)
        save_file(tensors, folder / WEIGHTS)

    return change


def change_header(edit: Callable[[dict[str, Any]], object]) -> Corruption:
    """Change the header of the weights file in place, and keep its data."""

    def change(folder: Path) -> None:
        content = (folder / WEIGHTS).read_bytes()
        end = 8 + int.from_bytes(content[:8], "little")
        header = json.loads(content[8:end])
        edit(header)
        _write_weights(folder, json.dumps(header).encode(), content[end:])

    return change


def replace_tensor(part: str, change: Callable[[Any], Any]) -> Corruption:
    """Replace the first tensor with `part` in its name by another array."""

    def edit(tensors: TensorDict) -> None:
        name = next(name for name in sorted(tensors) if part in name)
        tensors[name] = np.ascontiguousarray(change(tensors[name]))

    return change_tensors(edit)


def write(name: str, content: bytes | str) -> Corruption:
    """Write a file."""
    return lambda folder: (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)


def cut(length: int) -> Corruption:
    """Truncate the weights to `length` bytes; a negative length counts from their end."""
    return lambda folder: os.truncate(folder / WEIGHTS, length % (folder / WEIGHTS).stat().st_size)


def grow(size: int, name: str = WEIGHTS) -> Corruption:
    """Extend a file to `size` bytes, without using space on the disk."""
    return lambda folder: os.truncate(folder / name, size)


def link(name: str) -> Corruption:
    """Replace a file by a symbolic link to it."""

    def spoil(folder: Path) -> None:
        (folder / name).rename(folder.parent / f"{folder.name}.{name}")
        (folder / name).symlink_to(folder.parent / f"{folder.name}.{name}")

    return spoil


def change_entry(change: Mapping[str, Any]) -> Corruption:
    """Change the header's entry of the first tensor."""
    return change_header(lambda header: header[min(header.keys() - {"__metadata__"})].update(change))


def replace_header(text: bytes) -> Corruption:
    """Replace the header by these bytes, and remove the data."""
    return lambda folder: _write_weights(folder, text)


def leave_a_pickle(folder: Path) -> None:
    """Replace the weights by a pickle."""
    (folder / WEIGHTS).unlink()
    (folder / "adapter_model.bin").write_bytes(b"\x80\x04cos\nsystem\n")


def put_a_pipe(folder: Path) -> None:
    """Replace the weights by a named pipe."""
    (folder / WEIGHTS).unlink()
    os.mkfifo(folder / WEIGHTS)


def override_a_module(folder: Path) -> None:
    """Store the base's embeddings with other numbers, as if they were a head of the adapter."""
    from safetensors.numpy import load_file

    base = load_file(Path(json.loads((folder / CARD).read_bytes())["base"]) / "model.safetensors")
    taken = {name: np.zeros_like(value) for name, value in base.items() if name.startswith("embeddings.")}
    change_config(modules_to_save=["classifier", "embeddings"])(folder)
    change_tensors(
        lambda tensors: tensors.update({f"base_model.model.bert.{name}": value for name, value in taken.items()})
    )(folder)


def claim_a_large_header(folder: Path) -> None:
    """Write weights that state a header of 1.9 GB, and have that length."""
    (folder / WEIGHTS).write_bytes(struct.pack("<Q", 1_900_000_000))
    grow(1_950_000_000)(folder)


def name_many_labels(folder: Path) -> None:
    """List more labels than there are weights for in the card, and remove the canary."""
    change_card(labels=[f"l{n}" for n in range(9_000)])(folder)
    card = json.loads((folder / CARD).read_bytes())
    del card["canary"]
    (folder / CARD).write_text(json.dumps(card))


def override_a_weight(tensors: TensorDict) -> None:
    """Add a weight of the base."""
    tensors["base_model.model.bert.embeddings.LayerNorm.weight"] = np.ones(32, dtype=np.float32)


def drop_half(tensors: TensorDict) -> None:
    """Remove every second LoRA tensor."""
    for name in sorted(name for name in tensors if "lora" in name)[::2]:
        del tensors[name]


def poison(value: Any) -> Any:
    """Set one element of an array to NaN."""
    value[0, 0] = np.nan
    return value


def overlap(header: dict[str, Any]) -> None:
    """Give two tensors the same offsets."""
    first, second = sorted(name for name in header if name.endswith("lora_A.weight"))[:2]
    header[second]["data_offsets"] = header[first]["data_offsets"]


def _change(path: Path, changes: Mapping[str, Any]) -> None:
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **changes}))


def _write_weights(folder: Path, header: bytes, numbers: bytes = b"") -> None:
    (folder / WEIGHTS).write_bytes(struct.pack("<Q", len(header)) + header + numbers)
