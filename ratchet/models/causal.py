"""Causal models as classifiers: one forward pass gives the scores of the label tokens at the start of the answer.

Nothing is sampled or parsed, and an answer outside the labels is impossible. The shared part of the prompt is computed
once, and its keys and values are given to every row (exact: no row sees another). Add here how a causal model is loaded
and run. Training is in `ratchet/training/native/causal_model.py`, tokenization of prompts in `prompt_tokenizer.py`.
"""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratchet.core.errors import RatchetError
from ratchet.models.encoders import quiet_loading
from ratchet.models.token_batches import RunRows

if TYPE_CHECKING:
    import torch

_CLOSE = {"float32": 1e-3, "bfloat16": 0.06}
"""Tolerance between our scores and the model's own, relative to the largest: the order of sums differs."""


def empty_causal(folder: Path) -> Any:
    """Build the architecture on the meta device: names and shapes without memory."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config)


def load_causal(folder: Path, dtype: str = "float32", attention: str | None = None) -> Any:
    """Load the base model with its own head, in `dtype` and evaluation mode; `attention` is as in transformers."""
    import torch
    from transformers import AutoModelForCausalLM

    with quiet_loading():
        model = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=getattr(torch, dtype),
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            attn_implementation=attention,
        )
    return model.eval()


def pad_id_of_causal(model: Any) -> int:
    """Token that pads a row on the right; any token will do, since no real token sees what follows it."""
    return model.config.pad_token_id or 0


def label_scores(model: Any, hidden: "torch.Tensor", codes: Sequence[int]) -> "torch.Tensor":
    """Logits of the label tokens, float32 [n, k], from last hidden states [n, d], by k rows of the head only."""
    return scores_by(model, hidden, *label_head(model, codes))


def label_head(model: Any, codes: Sequence[int]) -> "tuple[torch.Tensor, torch.Tensor | None]":
    """Rows of the head for the label tokens, float32 [k, d], and their bias [k]; None where the head has no bias."""
    import torch

    head = model.get_output_embeddings()
    rows = torch.tensor(codes, device=head.weight.device)
    bias = None if getattr(head, "bias", None) is None else head.bias[rows].float()
    return head.weight[rows].float(), bias


def scores_by(
    model: Any, hidden: "torch.Tensor", weight: "torch.Tensor", bias: "torch.Tensor | None"
) -> "torch.Tensor":
    """Logits, float32 [n, k], of last hidden states [n, d] by these rows of the head, capped as the model does."""
    import torch

    result = torch.nn.functional.linear(hidden.float(), weight, bias)
    cap = getattr(model.config, "final_logit_softcapping", None)
    return result if cap is None else cap * torch.tanh(result / cap)


def compute_prefix(backbone: Any, prefix: Sequence[int]) -> "list[tuple[torch.Tensor, torch.Tensor]]":
    """Keys and values [1, heads, p, d] of the shared part for each layer, with gradients where the caller records them.

    Returns an empty list for an empty prefix.
    """
    import torch
    from transformers import DynamicCache

    if not prefix:
        return []
    cache = DynamicCache()
    backbone(input_ids=torch.tensor([list(prefix)], device=backbone.device), past_key_values=cache, use_cache=True)
    return [(layer.keys, layer.values) for layer in cache.layers]


def last_hidden(
    backbone: Any, prefix: "list[tuple[torch.Tensor, torch.Tensor]]", lengths: "torch.Tensor", ids: "torch.Tensor"
) -> "torch.Tensor":
    """Last hidden state [n, d] of each row's last real token, from `ids` [n, t] and `lengths` [n].

    The rows follow the shared part and are padded on the right: no real token sees padding, so no mask is needed. A
    sliding window is left to the model, which gets all keys and cuts them itself.
    """
    import torch
    from transformers import DynamicCache

    n = lengths.shape[0]  # not len(), which an exporter would store as a constant
    cache = DynamicCache()
    for index, (keys, values) in enumerate(prefix):
        cache.update(keys.expand(n, -1, -1, -1), values.expand(n, -1, -1, -1), index)
    hidden = backbone(input_ids=ids, past_key_values=cache, use_cache=True).last_hidden_state
    result: torch.Tensor = hidden[torch.arange(n, device=ids.device), lengths.to(ids.device) - 1]
    return result


def prompted_rows(model: Any, prefix: Sequence[int], codes: Sequence[int]) -> RunRows:
    """Function from rows of tokens after `prefix` to logits [n, k]; its first call computes the shared part."""
    backbone = model.base_model

    @functools.cache
    def shared() -> "list[tuple[torch.Tensor, torch.Tensor]]":
        return compute_prefix(backbone, prefix)

    def rows(ids: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
        return label_scores(model, last_hidden(backbone, shared(), mask.sum(dim=1), ids), codes)

    return rows


def check_scores(
    model: Any, prefix: Sequence[int], row: Sequence[int], codes: Sequence[int], ours: RunRows | None = None
) -> None:
    """Raise `RatchetError` unless our shortcuts score a row, given twice, as the whole model does.

    They may differ for a family that computes its logits in a way that is not handled here. `ours` replaces
    `prompted_rows` for callers with shortcuts of their own.
    """
    import torch

    ids = torch.tensor([list(row)] * 2, device=model.device)
    with torch.no_grad():
        whole = model(input_ids=torch.tensor([[*prefix, *row]], device=model.device)).logits[:, -1, list(codes)].float()
        result = (ours or prompted_rows(model, prefix, codes))(ids, torch.ones_like(ids))
    distance, scale = float((whole - result).abs().max()), max(1.0, float(whole.abs().max()))
    if not distance <= _CLOSE[str(model.dtype).removeprefix("torch.")] * scale:
        raise RatchetError(
            f"the base model ({model.config.model_type}) scores its tokens in a way that is not supported: its"
            f" scores are {distance:.2g} away from ours.",
            'Use a base of a family that is listed in `ratchet docs families`, or family = "encoder".',
            code="unknown_family",
        )
