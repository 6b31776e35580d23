"""Embeddings of texts by the frozen base model, kept in a file where one cycle needs the same ones twice.

Add here other ways to pool or keep them; models that learn on embeddings are in `ratchet/training/linear_probe.py` and
`ratchet/evaluation/baselines.py`.
"""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ratchet.config.candidate import Candidate
from ratchet.core.digests import digest_bytes, digest_json
from ratchet.core.files import write_atomically
from ratchet.data.rendering import render
from ratchet.metrics.classification import Floats
from ratchet.models.base_models import Base, resolve_base
from ratchet.models.encoders import load_encoder, pad_id_of
from ratchet.models.preprocessing import LATEST
from ratchet.models.token_batches import RunRows, run_in_batches
from ratchet.models.tokenization import load_tokenizer

if TYPE_CHECKING:
    import torch


WrapRows = Callable[[RunRows], RunRows]
"""Wrapper around the model, for a caller that must see every batch."""
Embed = Callable[[Sequence[str]], Floats]
"""Function from texts to embeddings [n, d]."""


def embed_texts(
    base_name: str, texts: Sequence[str], max_tokens: int = 128, kept: Path | None = None, watch: WrapRows | None = None
) -> Floats:
    """Embeddings by the frozen base model, float64 [n, d]: mean over tokens, then unit length.

    They are read from the folder `kept` where `keep_embeddings` left them for the same texts and the same base.
    """
    base = resolve_base(base_name)
    if kept is not None and (result := _read(kept / _name(base, texts, max_tokens))) is not None:
        return result
    return _embedder(base, max_tokens, watch)(texts)


def open_embedder(base_name: str, max_tokens: int = 128) -> Embed:
    """Return `embed_texts` for many calls: the base is hashed and loaded only once."""
    return _embedder(resolve_base(base_name), max_tokens)


def _embedder(base: Base, max_tokens: int, watch: WrapRows | None = None) -> Embed:
    model, tokenizer, pad_id = (
        load_encoder(base.folder),
        load_tokenizer(base.folder, max_tokens),
        pad_id_of(base.folder),
    )
    rows: RunRows = functools.partial(mean_pooled, model)
    rows = rows if watch is None else watch(rows)
    return lambda texts: run_in_batches(rows, tokenizer, pad_id, texts, model.config.hidden_size)


def keep_embeddings(
    folder: Path, base_name: str, texts: Sequence[str], max_tokens: int, watch: WrapRows | None = None
) -> Floats:
    """Compute `embed_texts`, and keep the result in `folder` for the next call with the same texts and base."""
    from safetensors.numpy import save

    result = embed_texts(base_name, texts, max_tokens, kept=folder, watch=watch)
    values = result.astype(np.float32)  # the precision of the model: nothing is lost
    content = save({"embeddings": values}, metadata={"digest": digest_bytes(values.tobytes())})
    write_atomically(folder / _name(resolve_base(base_name), texts, max_tokens), content)
    return result


def embed_and_keep(folder: Path, base_name: str, reader: Candidate, texts: Sequence[str]) -> Floats:
    """Embed texts as the candidate `reader` reads them; the result is kept in `folder` for the next call."""
    read = [render(text, reader.rendering) for text in texts]
    path = folder / _name(resolve_base(base_name), read, reader.max_tokens)
    if (kept := _read(path)) is not None:
        return kept
    return keep_embeddings(folder, base_name, read, reader.max_tokens)


def late_embedder(base_name: str, reader: Candidate) -> Embed:
    """Return a function that embeds as `embed_and_keep` and keeps nothing; the base is loaded by the first call."""
    opened: list[Embed] = []

    def embed(texts: Sequence[str]) -> Floats:
        if not opened:
            opened.append(open_embedder(base_name, reader.max_tokens))
        return opened[0]([render(text, reader.rendering) for text in texts])

    return embed


def mean_pooled(model: Any, ids: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
    """Mean of the last hidden states over real tokens, then unit length: float32 [n, d]."""
    return pool_mean(model(input_ids=ids, attention_mask=mask).last_hidden_state, mask)


def pool_mean(hidden: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
    """Mean of hidden states [n, t, d] over the real tokens of a mask [n, t], then unit length: float32 [n, d]."""
    import torch

    weight = mask.unsqueeze(-1).to(hidden.dtype)
    return torch.nn.functional.normalize((hidden * weight).sum(dim=1) / weight.sum(dim=1), dim=1)


def _name(base: Base, texts: Sequence[str], max_tokens: int) -> str:
    inputs = {"base": base.revision, "preprocessing": LATEST.name, "max_tokens": max_tokens, "texts": list(texts)}
    return f"embeddings-{digest_json(inputs)[:32]}.safetensors"


def _read(path: Path) -> Floats | None:
    """Read the embeddings of a file; None where it is missing or damaged."""
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="numpy") as file:
            values, stated = file.get_tensor("embeddings"), (file.metadata() or {}).get("digest")
    except (SafetensorError, OSError):
        return None
    return values.astype(np.float64) if digest_bytes(values.tobytes()) == stated else None
