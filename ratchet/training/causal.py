"""A causal model under training: the loss is over the label tokens only, at the one position where the answer begins.

The shared part of the prompt goes through the model once for each batch, with its gradients, instead of once for each text;
that is the same sum in another order. Add here what is different for causal models; the optimiser's step is `lora.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratchet.adapter_weights import LoraSettings
from ratchet.candidate import Candidate
from ratchet.causal import check_scores, compute_prefix, label_scores, last_hidden, load_causal
from ratchet.prompt_tokenizer import PromptTokenizer
from ratchet.training.lora import Trainee, adapt_model, hidden
from ratchet.training.targets import resolve_targets

if TYPE_CHECKING:
    import torch


@dataclass
class CausalTrainee(Trainee):
    """A causal model with trainable LoRA layers; its head is the base's own, and stays as it is."""

    whole: Any = field(kw_only=True)
    """The model without PEFT around it; its layers are the adapted ones."""
    prefix: Sequence[int] = field(kw_only=True)
    codes: Sequence[int] = field(kw_only=True)

    def answer(self, ids: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
        """Logits of the label tokens, [n, k], for rows that follow the shared part of the prompt."""
        backbone, states = self.whole.base_model, self.recall(ids, mask)
        with self.giving(None if self.kept is None or states is None else self.kept.prefix):
            shared = compute_prefix(backbone, self.prefix)
        with self.giving(states):
            return label_scores(self.whole, last_hidden(backbone, shared, mask.sum(dim=1), ids), self.codes)


@hidden("bitsandbytes")  # peft would import it, seconds and 50 MB for nothing: no base is quantised here
def build_causal_trainee(
    folder: Path, base_name: str, candidate: Candidate, tokenizer: PromptTokenizer, dtype: "torch.dtype | None" = None
) -> CausalTrainee:
    """The model of one causal LoRA candidate, freshly initialised from its seed, in `dtype` or the processor's fast format.

    Raises `RatchetError` for unknown targets, and for a model that scores its tokens in a way that is not known here.
    """
    import torch

    torch.manual_seed(candidate.seed)
    model = load_causal(folder, attention="eager")  # the fused attention of torch 2.13 is many times slower backwards on a CPU
    check_scores(model, tokenizer.prefix, tokenizer.encode_batch_fast(["one text"])[0].ids, tokenizer.codes)
    modules = resolve_targets(model, candidate.target_modules, (), candidate.layers).modules
    settings = LoraSettings(base_name, candidate.rank, candidate.alpha, candidate.dropout, modules, (), causal=True)
    own = {"whole": model, "prefix": tokenizer.prefix, "codes": tokenizer.codes}
    return adapt_model(CausalTrainee, model, settings, candidate, dtype, **own)
