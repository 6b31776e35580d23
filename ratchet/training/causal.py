"""A causal model under training: the loss is over the label tokens only, at the one position where the answer begins.

The shared part of the prompt goes through the model once for each batch, with its gradients, instead of once for each text;
that is the same sum in another order. Add here what is different for causal models; the optimiser's step is `trainee.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ratchet.adapter_weights import LoraSettings
from ratchet.candidate import Candidate
from ratchet.causal import check_scores, compute_prefix, label_scores, last_hidden, load_causal
from ratchet.hiding import hidden
from ratchet.prompt_tokenizer import PromptTokenizer
from ratchet.training.lora import adapt_model, train_parameters
from ratchet.training.quantised import load_quantised
from ratchet.training.targets import resolve_targets
from ratchet.training.trainee import Trainee

if TYPE_CHECKING:
    import torch


@dataclass
class CausalTrainee(Trainee):
    """A causal model with trainable LoRA layers, whose head is the base's own and stays as it is; or trainable as a whole."""

    has_head: ClassVar[bool] = False
    whole: Any = field(kw_only=True)
    """The model without PEFT around it; its layers are the adapted ones."""
    prefix: Sequence[int] = field(kw_only=True)
    codes: Sequence[int] = field(kw_only=True)

    def answer(self, ids: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
        """Logits of the label tokens, [n, k], for rows that follow the shared part of the prompt."""
        import torch

        backbone, states = self.whole.base_model, self.recall(ids, mask)
        ids, lengths = ids.to(self.device), mask.sum(dim=1)
        if self.model.training and self.whole.is_activation_checkpointing:  # they take no cache: the shared part goes with each
            shared = torch.tensor([list(self.prefix)], dtype=ids.dtype, device=self.device).expand(len(ids), -1)
            hidden = backbone(input_ids=torch.cat([shared, ids], dim=1), use_cache=False).last_hidden_state
            last = (len(self.prefix) + lengths - 1).to(self.device)
            return label_scores(self.whole, hidden[torch.arange(len(ids), device=self.device), last], self.codes)
        with self.giving(None if self.kept is None or states is None else self.kept.prefix):
            cached = compute_prefix(backbone, self.prefix)
        with self.giving(states):
            return label_scores(self.whole, last_hidden(backbone, cached, lengths, ids), self.codes)


def causal_settings(model: Any, base_name: str, candidate: Candidate) -> LoraSettings:
    """What a candidate adapts of a causal model; raises `RatchetError` for unknown targets."""
    modules = resolve_targets(model, candidate.target_modules, (), candidate.layers).modules
    dora = candidate.method == "dora"
    return LoraSettings(base_name, candidate.rank, candidate.alpha, candidate.dropout, modules, (), causal=True, dora=dora)


@hidden("bitsandbytes")  # peft would import it, seconds and 50 MB for nothing, unless it was asked for before (`quantised.py`)
def build_causal_trainee(
    folder: Path, base_name: str, candidate: Candidate, tokenizer: PromptTokenizer, dtype: "torch.dtype | None" = None
) -> CausalTrainee:
    """The model of one causal candidate, freshly initialised from its seed, in `dtype` or the machine's fast format.

    Raises `RatchetError` for unknown targets, and for a model that scores its tokens in a way that is not known here.
    """
    import torch

    torch.manual_seed(candidate.seed)
    model = load_quantised(folder) if candidate.method == "qlora" else load_causal(folder)
    check_scores(model, tokenizer.prefix, tokenizer.encode_batch_fast(["one text"])[0].ids, tokenizer.codes)
    own = {"whole": model, "prefix": tokenizer.prefix, "codes": tokenizer.codes}
    if candidate.method == "full":
        return train_parameters(CausalTrainee, model.requires_grad_(True), None, candidate, dtype, **own)
    settings = causal_settings(model, base_name, candidate)
    return adapt_model(CausalTrainee, model, settings, candidate, dtype, **own)
