"""A causal model under training: the loss is over the label tokens only, at the position where the answer begins.

The shared part of the prompt goes through the model once per batch, with its gradients, instead of once per text
(`prefix_attention.py`). Add here what differs for causal models; the optimiser's step is in `trainable_model.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ratchet.config.candidate import Candidate
from ratchet.core.blocked_imports import hidden
from ratchet.core.errors import RatchetError
from ratchet.models.adapters.peft_format import LoraSettings
from ratchet.models.causal import check_scores, load_causal
from ratchet.models.prompt_tokenizer import PromptTokenizer
from ratchet.training.native.model_setup import adapt_model, train_parameters
from ratchet.training.native.prefix_attention import attend_in_one_pass, join_pass, one_pass_rows, split_pass
from ratchet.training.native.trainable_model import TrainableModel
from ratchet.training.quantization import load_quantised
from ratchet.training.target_modules import resolve_targets

if TYPE_CHECKING:
    import torch


@dataclass
class TrainableCausalModel(TrainableModel):
    """A causal model with trainable LoRA layers and the unchanged head of its base, or trainable as a whole."""

    has_head: ClassVar[bool] = False
    whole: Any = field(kw_only=True)
    """The model without PEFT around it; its layers are the adapted ones."""
    prefix: Sequence[int] = field(kw_only=True)
    codes: Sequence[int] = field(kw_only=True)

    def answer(self, ids: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
        """Logits of the label tokens, [n, k], for rows that follow the shared part of the prompt."""
        states = self.recall(ids, mask)
        if states is not None and self.kept is not None and self.kept.prefix is not None:
            states = join_pass(self.kept.prefix, states)
        with self.giving(states):
            return one_pass_rows(self.whole, self.prefix, self.codes)(ids.to(self.device), mask)

    def lower_activations(self, ids: "torch.Tensor", mask: "torch.Tensor") -> "list[torch.Tensor]":
        """Activations of the lower layers: of the shared part, [1, p, d], and of the rows, [n, t, d]."""
        return list(split_pass(super().lower_activations(ids, mask)[0], len(self.prefix), len(ids)))


def causal_settings(model: Any, base_name: str, candidate: Candidate) -> LoraSettings:
    """LoRA settings of a candidate for a causal model; raises `RatchetError` for unknown targets."""
    modules = resolve_targets(model, candidate.target_modules, (), candidate.layers).modules
    dora = candidate.method == "dora"
    return LoraSettings(
        base_name, candidate.rank, candidate.alpha, candidate.dropout, modules, (), causal=True, dora=dora
    )


def _check_room(positions: int | None, tokenizer: PromptTokenizer, candidate: Candidate) -> None:
    """Raise `RatchetError` where prompt and text together have more tokens than the base can read."""
    around = len(tokenizer.prefix) + len(tokenizer.suffix)
    if positions is not None and around + candidate.max_tokens > positions:
        left = positions - around
        hint = f"Set max_tokens to {left} or less, or shorten" if left > 0 else "Shorten"
        raise RatchetError(
            f"base model {candidate.base!r} reads {positions} tokens; the prompt takes {around} of them and a text up"
            f" to {candidate.max_tokens}.",
            f"{hint} prompt.template and the labels' descriptions.",
            code="no_room",
        )


@hidden(
    "bitsandbytes"
    # peft would import it, at seconds and 50 MB, although only `ratchet/training/quantization.py` needs it
)
def build_causal_model(
    folder: Path, base_name: str, candidate: Candidate, tokenizer: PromptTokenizer, dtype: "torch.dtype | None" = None
) -> TrainableCausalModel:
    """The model of one causal candidate, freshly initialised from its seed, in `dtype` or the machine's fast format.

    Raises `RatchetError` for unknown targets, for a prompt that leaves no room for the texts, and for a model that
    scores its tokens in an unknown way.
    """
    import torch

    torch.manual_seed(candidate.seed)
    model = load_quantised(folder) if candidate.method == "qlora" else load_causal(folder)
    _check_room(getattr(model.config, "max_position_embeddings", None), tokenizer, candidate)
    probe = tokenizer.prefix, tokenizer.encode_batch_fast(["one text"])[0].ids, tokenizer.codes
    check_scores(model, *probe, one_pass_rows(model, tokenizer.prefix, tokenizer.codes))
    own = {"whole": model, "prefix": tokenizer.prefix, "codes": tokenizer.codes}
    if candidate.method == "full":
        trainee = train_parameters(TrainableCausalModel, model.requires_grad_(True), None, candidate, dtype, **own)
    else:
        trainee = adapt_model(
            TrainableCausalModel, model, causal_settings(model, base_name, candidate), candidate, dtype, **own
        )
    attend_in_one_pass(model)
    return trainee
