"""Shared causal base: any number of adapters on it, each with its own shared part of the prompt, computed once.

Rows of different adapters go through the model one adapter after the other, since their keys and values differ. The
layers under the lowest one that an adapter changes give the same output for all adapters with the same prompt, so for
the same text the second adapter reuses that of the first. Add here what differs for causal models; locks, batches and
names are in `multi_adapter.py`.
"""

import threading
import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ratchet.core.errors import RatchetError
from ratchet.models.adapters.format import bad_adapter
from ratchet.models.adapters.validation import ValidatedAdapter
from ratchet.models.base_models import Base
from ratchet.models.causal import compute_prefix, label_scores, last_hidden, load_causal
from ratchet.models.inference.head_routing import combine, group_rows
from ratchet.models.inference.hidden_state_cache import HiddenStateCache
from ratchet.models.inference.multi_adapter import MultiAdapterModel
from ratchet.models.layers import SplitLayers, find_layers
from ratchet.models.prompt_tokenizer import PromptTokenizer

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class _Prompted:
    """An adapter's prompt, with the keys and values of its shared part."""

    tokenizer: PromptTokenizer
    shared: "list[tuple[torch.Tensor, torch.Tensor]]"
    below: int
    """Number of layers under the lowest one that it adapts."""
    upper: "list[tuple[torch.Tensor, torch.Tensor]]"
    """`shared` for a pass that skips the lower layers: zeros with one position for these."""

    @property
    def lower(self) -> Hashable:
        """Key that is the same for adapters whose lower layers give the same output for a row."""
        return self.tokenizer.prefix, self.below


class MultiAdapterCausal(MultiAdapterModel):
    """One causal base model and the adapters on it."""

    def __init__(self, base: Base) -> None:
        super().__init__(base)
        self._prompts: dict[str, _Prompted] = {}
        self._memo, self._spared = HiddenStateCache(), threading.local()
        try:
            self._place, layers = find_layers(self._model)
            self._split, self._count = SplitLayers(self._model), len(layers)
        except RatchetError:  # layers in an unknown arrangement are served without the shortcut
            self._place, self._count = "", 0

    def _load(self, base: Base) -> tuple[Any, set[str]]:
        return load_causal(base.folder), set()

    def _welcome(self, name: str, opened: ValidatedAdapter) -> None:
        import torch

        if not isinstance(opened.tokenizer, PromptTokenizer):
            raise bad_adapter("a causal adapter needs a prompt.")
        self._route.names = [name]
        below = self._count_below(opened)
        with torch.inference_mode():
            shared = compute_prefix(self._encoder, opened.tokenizer.prefix)
            short = [(keys.new_zeros(1, 1, keys.shape[2], 1),) * 2 for keys, _ in shared[:below]]
        self._prompts[name] = _Prompted(opened.tokenizer, shared, below, [*short, *shared[below:]])

    def _count_below(self, opened: ValidatedAdapter) -> int:
        """Number of layers under the lowest one that an adapter changes; 0 where that is not certain."""
        start = f"{self._place}."
        touched = opened.settings.target_modules if opened.settings else ()
        if not self._count or not touched or not all(name.startswith(start) for name in touched):
            return 0
        return min(int(name.removeprefix(start).split(".")[0]) for name in touched)

    def _dismiss(self, name: str) -> None:
        self._prompts.pop(name, None)

    def _run(self, names: Sequence[str], ids: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
        if strange := set(names) - self._loras:
            raise LookupError(f"{strange} are not on this base")
        parts = []
        for name, rows in group_rows(names).items():
            prompted = self._prompts[name]
            self._route.names = [name] * len(rows)
            hidden = self._find_hidden(prompted, ids[rows], mask[rows].sum(dim=1))
            parts.append((rows, label_scores(self._model, hidden, prompted.tokenizer.codes)))
        self._hidden.take()
        return combine(parts)

    def _find_hidden(self, prompted: _Prompted, ids: "torch.Tensor", lengths: "torch.Tensor") -> "torch.Tensor":
        """Last hidden state of each row; reuses the lower layers' output of another adapter's pass, if it is kept."""
        alike = sum(other.lower == prompted.lower for other in self._prompts.values())
        if not prompted.below or alike < 2:
            return last_hidden(self._encoder, prompted.shared, lengths, ids)
        cut = lengths.tolist()
        keys = [(prompted.lower, row[:length].tobytes()) for row, length in zip(ids.numpy(), cut, strict=True)]
        known = self._memo.recall(keys, ids.shape[1])
        if known is not None:
            self._spared.seconds = getattr(self._spared, "seconds", 0.0) + known[1]
            with self._split.giving(prompted.below, known[0]):
                return last_hidden(self._encoder, prompted.upper, lengths, ids)
        started = time.thread_time()
        with self._split.catching(prompted.below) as caught:
            result = last_hidden(self._encoder, prompted.shared, lengths, ids)
        seconds = (time.thread_time() - started) * prompted.below / self._count
        self._memo.keep(keys, caught[0], cut, seconds)
        return result

    def _take_spared(self) -> float:
        spared: float = getattr(self._spared, "seconds", 0.0)
        self._spared.seconds = 0.0
        return spared
