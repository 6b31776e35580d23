"""The shared part of a prompt and all texts of a batch, side by side in one pass through a causal model.

Tokens see each other in attention only: here each text sees the shared part and itself, and everything else runs over
one long row. The shared part is computed once per batch, with half the calls of two passes; on small batches calls cost
as much as the matrix products. Add here how rows are laid out. Scoring, where the shared part is cached over batches,
is in `ratchet/models/causal.py`.
"""

import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ratchet.core.errors import RatchetError
from ratchet.models.causal import label_scores
from ratchet.models.encoders import quiet_loading
from ratchet.models.token_batches import RunRows

if TYPE_CHECKING:
    import torch

ATTENTION = "ratchet_one_pass"
"""Name of this attention in transformers, after `attend_in_one_pass`."""


def attend_in_one_pass(model: Any) -> None:
    """Switch a causal model for good to the attention of `one_pass_rows`, gradients included.

    Raises `RatchetError` for a family whose attention cannot be replaced.
    """
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    ALL_ATTENTION_FUNCTIONS.register(ATTENTION, attend)
    with quiet_loading():
        model.set_attn_implementation(ATTENTION)
    if model.config._attn_implementation != ATTENTION:
        raise RatchetError(
            f"the base model ({model.config.model_type}) computes attention in a way of its own, which training cannot"
            " replace.",
            "Use a base of a family that is listed in `ratchet docs families`.",
            code="unknown_family",
        )


def one_pass_rows(model: Any, prefix: Sequence[int], codes: Sequence[int]) -> RunRows:
    """Return a function from right-padded rows of tokens after `prefix` to logits [n, k], in one pass.

    A model with another attention is switched for the call only; gradients need `attend_in_one_pass`.
    """
    import torch

    def rows(ids: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
        with _attending(model):
            states = _run(model.base_model, prefix, ids)
        every, last = torch.arange(len(ids), device=ids.device), mask.sum(dim=1).to(ids.device) - 1
        return label_scores(model, split_pass(states, len(prefix), len(ids))[1][every, last], codes)

    return rows


@contextmanager
def _attending(model: Any) -> Iterator[None]:
    before = model.config._attn_implementation
    if before == ATTENTION:
        yield
        return
    attend_in_one_pass(model)
    try:
        yield
    finally:
        model.set_attn_implementation(before)


def _run(backbone: Any, prefix: Sequence[int], ids: "torch.Tensor") -> "torch.Tensor":
    """Run the model without its head; returns the last hidden states [1, p + n t, d]."""
    import torch

    (n, t), p, device = ids.shape, len(prefix), ids.device
    tokens = torch.cat([torch.tensor(list(prefix), dtype=ids.dtype, device=device), ids.flatten()])
    places = torch.cat([torch.arange(p, device=device), torch.arange(p, p + t, device=device).repeat(n)])
    result: torch.Tensor = backbone(
        input_ids=tokens[None], position_ids=places[None], use_cache=False, shared=p, texts=n
    ).last_hidden_state
    return result


def join_pass(shared: "torch.Tensor", texts: "torch.Tensor") -> "torch.Tensor":
    """Join [1, p, d] and [n, t, d] to the layout of one pass, [1, p + n t, d]."""
    import torch

    return torch.cat([shared, texts.flatten(0, 1)[None]], dim=1)


def split_pass(states: "torch.Tensor", p: int, n: int) -> "tuple[torch.Tensor, torch.Tensor]":
    """Inverse of `join_pass`."""
    return states[:, :p], states[0, p:].view(n, -1, states.shape[-1])


def attend(
    module: Any,
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    attention_mask: "torch.Tensor | None",
    *,
    shared: int,
    texts: int,
    scaling: float,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    softcap: float | None = None,
    **more: Any,
) -> "tuple[torch.Tensor, None]":
    """Attention over one long row, called by transformers: [1, heads, p + n t, d] to [1, p + n t, heads, d].

    The shared part is causal in itself; each of `texts` texts sees the whole shared part, and is causal in itself.
    """
    import torch

    (_, heads, length, width), few = query.shape, key.shape[1]
    t, group = (length - shared) // texts, heads // few
    q, k, v = query.reshape(few, group, length, width), key[0], value[0]

    def weigh(scores: "torch.Tensor", first: int) -> "torch.Tensor":
        """Weights from products [..., s, keys] of the tokens whose positions begin at `first`."""
        scores = scores if softcap is None else softcap * torch.tanh(scores / softcap)
        seen = _visible(first, scores.shape[-2], scores.shape[-1], sliding_window, scores.device)
        result = torch.softmax(scores.masked_fill(~seen, float("-inf")), dim=-1, dtype=torch.float32).to(query.dtype)
        return torch.nn.functional.dropout(result, dropout, module.training)

    # heads that share keys are stacked as rows, so that grouped keys need no copies
    first = q[:, :, :shared].reshape(few, group * shared, width)
    of_first = (first @ k[:, :shared].mT).view(few, group, shared, shared)
    found_first = weigh(of_first * scaling, 0).view(few, group * shared, shared) @ v[:, :shared]
    found_first = found_first.view(few, group, shared, width).permute(2, 0, 1, 3)

    own = q[:, :, shared:].reshape(few, group, texts, t, width).transpose(1, 2).contiguous().view(few, -1, width)
    own_k, own_v = (part[:, shared:].reshape(few * texts, t, width) for part in (k, v))
    to_shared = (own @ k[:, :shared].mT).view(few, texts, group, t, shared)
    to_own = (own.view(few * texts, group * t, width) @ own_k.mT).view(few, texts, group, t, t)
    weights = weigh(torch.cat([to_shared, to_own], dim=-1) * scaling, shared)
    result = (weights[..., :shared].reshape(few, texts * group * t, shared) @ v[:, :shared]).view_as(own)
    result = result + (weights[..., shared:].reshape(few * texts, group * t, t) @ own_v).view_as(own)
    result = result.view(few, texts, group, t, width).permute(1, 3, 0, 2, 4)
    return torch.cat([found_first.reshape(shared, heads, width), result.reshape(texts * t, heads, width)])[None], None


@functools.lru_cache(maxsize=64)
def _visible(first: int, count: int, keys: int, window: int | None, device: "torch.device") -> "torch.Tensor":
    """Mask, bool [count, keys]: True where one of `count` positions from `first` sees a key position from 0."""
    import torch

    back = torch.arange(first, first + count, device=device)[:, None] - torch.arange(keys, device=device)
    return (back >= 0) if window is None else (back >= 0) & (back < window)
