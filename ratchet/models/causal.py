"""Causal models as classifiers: one forward pass, and the model's own scores of the label tokens where the answer
begins.

Nothing is sampled or parsed, and no word outside the labels is possible. The shared part of the prompt is computed once
and its keys and values are given to every row (exact: no row sees another). Add here how a causal model is built and
asked. How it learns is in `ratchet/training/native/causal_model.py`, how a prompt becomes tokens in
`prompt_tokenizer.py`.
"""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratchet.core.errors import RatchetError
from ratchet.models.encoders import quiet_loading
from ratchet.models.tokenization import RunRows

if TYPE_CHECKING:
    import torch

_CLOSE = {"float32": 1e-3, "bfloat16": 0.06}
"""How far our scores may be from the model's own, for each unit of the largest: products in other orders round
otherwise."""


def empty_causal(folder: Path) -> Any:
    """The architecture on the meta device: names and shapes without memory."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config)


def load_causal(folder: Path, dtype: str = "float32", attention: str | None = None) -> Any:
    """The base model with its own head, in numbers of `dtype`, in evaluation mode; `attention` as transformers names
    it."""
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
    """A token to fill up with; which one does not matter, for no real token sees what follows it."""
    return model.config.pad_token_id or 0


def label_scores(model: Any, hidden: "torch.Tensor", codes: Sequence[int]) -> "torch.Tensor":
    """Logits of the label tokens, float32 [n, k], from last hidden states [n, d]: k rows of the head instead of all."""
    return scores_by(model, hidden, *label_head(model, codes))


def label_head(model: Any, codes: Sequence[int]) -> "tuple[torch.Tensor, torch.Tensor | None]":
    """The head's rows of the label tokens, float32 [k, d], and their bias [k] where it has one."""
    import torch

    head = model.get_output_embeddings()
    rows = torch.tensor(codes, device=head.weight.device)
    bias = None if getattr(head, "bias", None) is None else head.bias[rows].float()
    return head.weight[rows].float(), bias


def scores_by(
    model: Any, hidden: "torch.Tensor", weight: "torch.Tensor", bias: "torch.Tensor | None"
) -> "torch.Tensor":
    """What these rows of the head make of last hidden states [n, d], capped where the model caps its logits: float32
    [n, k]."""
    import torch

    result = torch.nn.functional.linear(hidden.float(), weight, bias)
    cap = getattr(model.config, "final_logit_softcapping", None)
    return result if cap is None else cap * torch.tanh(result / cap)


def compute_prefix(backbone: Any, prefix: Sequence[int]) -> "list[tuple[torch.Tensor, torch.Tensor]]":
    """Keys and values [1, heads, p, d] of the shared part for each layer, with gradients where the caller records them.

    Empty without a prefix.
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
    """The last hidden state [n, d] of each row's last real token, from `ids` [n, t] and `lengths` [n].

    They follow the shared part, and are filled up on the right: no real token sees a filling one, so no mask is needed.
    A sliding window is left to the model, which sees all keys and cuts them itself.
    """
    import torch
    from transformers import DynamicCache

    n = lengths.shape[0]  # not len(): an exporter would take it for a constant
    cache = DynamicCache()
    for index, (keys, values) in enumerate(prefix):
        cache.update(keys.expand(n, -1, -1, -1), values.expand(n, -1, -1, -1), index)
    hidden = backbone(input_ids=ids, past_key_values=cache, use_cache=True).last_hidden_state
    result: torch.Tensor = hidden[torch.arange(n, device=ids.device), lengths.to(ids.device) - 1]
    return result


def prompted_rows(model: Any, prefix: Sequence[int], codes: Sequence[int]) -> RunRows:
    """What answers rows of tokens that follow `prefix`: logits [n, k]. The shared part is computed at the first
    call."""

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
    """Raise `RatchetError` unless our shortcuts say of a row, given twice, what the whole model says: a family may do
    what we do not know.

    `ours` are those of a caller who has others than `prompted_rows`.
    """
    import torch

    ids = torch.tensor([list(row)] * 2, device=model.device)
    with torch.no_grad():
        whole = model(input_ids=torch.tensor([[*prefix, *row]], device=model.device)).logits[:, -1, list(codes)].float()
        result = (ours or prompted_rows(model, prefix, codes))(ids, torch.ones_like(ids))
    distance, scale = float((whole - result).abs().max()), max(1.0, float(whole.abs().max()))
    if not distance <= _CLOSE[str(model.dtype).removeprefix("torch.")] * scale:
        raise RatchetError(
            f"the base model ({model.config.model_type}) scores its tokens in a way that is not known here:"
            f" {distance:.2g} apart.",
            'Use a base of a family that is listed in docs/families.md, or family = "encoder".',
            code="unknown_family",
        )
