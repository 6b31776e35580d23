"""Computation of the frozen lower layers' activations, once, into a file that both processes of a pair map.

With `layers = "top:K"` these layers never learn and have no dropout, so their activations hold for every epoch. The
file is unlinked once it is full: it does not survive a kill, and a resumed training computes it again. Add here what
concerns the file. Skipping of lower layers is in `ratchet/models/layers.py`; the cache is used in `trainable_model.py`
and `causal_model.py`.
"""

import itertools
import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ratchet.core.errors import RatchetError
from ratchet.models.token_batches import batch_by_tokens, pad_batch
from ratchet.training.native.activation_cache import ActivationCache
from ratchet.training.native.data_parallel import ProcessPair, SingleProcess
from ratchet.training.supervision.memory_budget import MemoryBudget

if TYPE_CHECKING:
    import torch

    from ratchet.training.native.trainable_model import TrainableModel

MOST_BYTES = 8 * 2**30
"""Largest file, in bytes; it also takes at most half of the free disk space."""
_FILE = "lower-layers.bin"
_CLOSE = {"torch.float32": 1e-3, "torch.bfloat16": 0.06}


def cache_lower_layers(
    trainee: "TrainableModel",
    rows: Sequence[Sequence[int]],
    folder: Path,
    pair: SingleProcess | ProcessPair,
    room: MemoryBudget,
    most: int = MOST_BYTES,
) -> str:
    """Compute the lower layers' activations of `rows`, half in each process of `pair`, and let `trainee` use them.

    Both processes must call. Returns a sentence on what was done; empty where every layer learns. Where the file does
    not fit, the lower layers are computed at each step: the same outcome, only slower. Raises `RatchetError` for a
    family whose upper layers use more than the last hidden states of the lower ones.
    """
    if not trainee.below:
        return ""
    path, lower = folder / _FILE, f"{trainee.below} lower layers"
    unique = {_key(row): row for row in rows}
    width, dtype = trainee.model.config.hidden_size, trainee.working[0].dtype
    ends = list(itertools.accumulate(len(row) for row in unique.values()))
    size = ends[-1] * width * dtype.itemsize
    refused = ""
    if pair.rank == 0:
        path.unlink(missing_ok=True)  # left by a training that was killed
        refused = _make_file(path, size, most)
    pair.barrier()
    if not path.is_file():
        return f"{lower} computed at each step: {refused}"
    states = _map_file(path, ends[-1], width, dtype)
    trainee.model.eval()
    _fill(states, trainee, list(unique.values()), ends, pair, room)
    pair.barrier()
    if pair.rank == 0:
        path.unlink()  # both processes map it: the disk space is freed when the last of them ends, however it ends
    starts = dict(zip(unique, [0, *ends], strict=False))
    _use(ActivationCache(states, starts), trainee, next(iter(unique.values())))
    return f"{lower} computed once, {size / 1e6:.1f} MB cached"


def _key(row: Sequence[int]) -> bytes:
    return np.asarray(row, dtype=np.int64).tobytes()


def _map_file(path: Path, tokens: int, width: int, dtype: "torch.dtype") -> "torch.Tensor":
    import torch

    result: torch.Tensor = torch.from_file(str(path), shared=True, size=tokens * width, dtype=dtype)
    return result.view(tokens, width)


def _fill(
    states: "torch.Tensor",
    trainee: "TrainableModel",
    rows: Sequence[Sequence[int]],
    ends: Sequence[int],
    pair: SingleProcess | ProcessPair,
    room: MemoryBudget,
) -> None:
    """Compute this process's share of the batches."""
    lengths = [len(row) for row in rows]
    for batch in itertools.islice(batch_by_tokens(lengths), pair.rank, None, pair.ranks):
        *_, result = trainee.lower_activations(*pad_batch([rows[row] for row in batch], trainee.pad_id))
        for row, computed in zip(batch, result, strict=True):
            states[ends[row] - lengths[row] : ends[row]] = computed[: lengths[row]]
        room.leave(pair.rank)


def _use(cache: ActivationCache, trainee: "TrainableModel", row: Sequence[int]) -> None:
    """Let `trainee` use the cache, after one row gave the same logits with it and without."""
    import torch

    ids, mask = pad_batch([row], trainee.pad_id)
    with torch.no_grad():
        live = trainee.answer(ids, mask)
        prefix = trainee.lower_activations(ids, mask)[:-1]
        trainee.kept = replace(cache, prefix=prefix[0] if prefix else None)
        distance = float((trainee.answer(ids, mask) - live).abs().max())
    if not distance <= _CLOSE[str(cache.states.dtype)] * max(1.0, float(live.abs().max())):
        raise RatchetError(
            f"the upper layers of the base model ({trainee.model.config.model_type}) use more than the last"
            f" hidden states of the lower ones: the logits differ by {distance:.2g}.",
            'Write layers = "all", or use a base of a family that is listed in `ratchet docs families`.',
            code="unknown_family",
        )


def _make_file(path: Path, size: int, most: int) -> str:
    """Create a file of `size` allocated bytes; return the reason where it cannot be done, else an empty string."""
    allowed = min(most, shutil.disk_usage(path.parent).free // 2)
    if size > allowed:
        return f"a cache needs {size / 1e6:.0f} MB, but at most {allowed / 1e6:.0f} MB may be used in {path.parent}"
    with path.open("wb") as file:
        try:
            # allocated now: a sparse file that is mapped ends the process by SIGBUS when the disk is full
            os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            path.unlink()
            return f"{size / 1e6:.0f} MB cannot be allocated in {path.parent} ({error.strerror})"
    return ""
