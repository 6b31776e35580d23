"""A checkpoint is whole and as it was written, or it is not there."""

from pathlib import Path

import pytest
import torch

from ratchet.training.checkpoints import read_checkpoint, write_checkpoint


def test_a_checkpoint_reads_back_and_is_replaced_whole(tmp_path: Path) -> None:
    """Tensors and state survive, a second write replaces the first, nothing pickled is on disk."""
    for value in (1.0, 2.0):
        write_checkpoint(tmp_path / "epoch-1", {"a": torch.full((3,), value)}, {"best": value})
    found = read_checkpoint(tmp_path / "epoch-1")
    assert found is not None
    assert [found[0]["a"].tolist(), found[1]] == [[2.0] * 3, {"best": 2.0}]
    names = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert names == ["manifest.json", "state.json", "tensors.safetensors"]


@pytest.mark.parametrize("name", ["state.json", "tensors.safetensors", "manifest.json"])
@pytest.mark.parametrize("damage", ["flip", "cut", "gone"])
def test_a_damaged_checkpoint_is_no_checkpoint(tmp_path: Path, name: str, damage: str) -> None:
    """One flipped bit, a cut file or a missing one: there is nothing to resume from here."""
    write_checkpoint(tmp_path / "epoch-1", {"a": torch.ones(3)}, {"best": 1})
    path = tmp_path / "epoch-1" / name
    content = bytearray(path.read_bytes())
    content[-2] ^= 1
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(content if damage == "flip" else content[:-2])
    assert read_checkpoint(tmp_path / "epoch-1") is None
