"""A causal base in memory once, for any number of adapters: each has its own shared part of the prompt, computed when it comes.

Rows of different adapters go through the model one adapter after the other, for their keys and values differ. Add here what
is different for causal models; locks, batches and names are `shared_base.py`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ratchet.adapter_format import refuse
from ratchet.bases import Base
from ratchet.causal import compute_prefix, label_scores, last_hidden, load_causal
from ratchet.opened_adapter import OpenedAdapter
from ratchet.prompt_tokenizer import PromptTokenizer
from ratchet.routed_heads import combine, group_rows
from ratchet.shared_base import SharedBase

if TYPE_CHECKING:
    import torch


class SharedCausal(SharedBase):
    """One causal base model and the adapters on it."""

    def __init__(self, base: Base) -> None:
        super().__init__(base)
        self._prompts: dict[str, tuple[PromptTokenizer, Any]] = {}

    def _load(self, base: Base) -> tuple[Any, set[str]]:
        return load_causal(base.folder), set()

    def _welcome(self, name: str, opened: OpenedAdapter) -> None:
        import torch

        if not isinstance(opened.tokenizer, PromptTokenizer):
            raise refuse("a causal adapter without a prompt answers nothing.")
        self._route.names = [name]
        with torch.inference_mode():
            self._prompts[name] = opened.tokenizer, compute_prefix(self._encoder, opened.tokenizer.prefix)

    def _dismiss(self, name: str) -> None:
        self._prompts.pop(name, None)

    def _run(self, names: Sequence[str], ids: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
        if strange := set(names) - self._loras:
            raise LookupError(f"{strange} are not on this base")
        parts = []
        for name, rows in group_rows(names).items():
            tokenizer, shared = self._prompts[name]
            self._route.names = [name] * len(rows)
            hidden = last_hidden(self._encoder, shared, mask[rows].sum(dim=1), ids[rows])
            parts.append((rows, label_scores(self._model, hidden, tokenizer.codes)))
        self._hidden.take()
        return combine(parts)
