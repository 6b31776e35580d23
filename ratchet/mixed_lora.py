"""LoRA adapters side by side in one model, unmerged: PEFT adds and removes them, and each row of a batch names its own.

PEFT's own layer copies rows out, adds five tensors for each adapter and copies them back; ours adds the low-rank product in
place, to runs of rows that name the same adapter. Add here what concerns PEFT. Heads are `routed_heads.py`; locks and batches
are `shared_base.py`.
"""

import itertools
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ratchet.adapter_format import refuse
from ratchet.adapter_weights import PREFIX, LoraSettings
from ratchet.training.lora import hidden

if TYPE_CHECKING:
    import torch

BASE = "__base__"
"""PEFT's name for a row that no adapter touches."""

_RESIDENT = "resident"  # PEFT wants one adapter that is active; nobody names it, so that no other is active by accident


@hidden("bitsandbytes")  # peft would import it, seconds and 50 MB for nothing: no encoder is quantised here
def import_peft() -> None:
    """Import PEFT, which takes seconds the first time."""
    import peft  # noqa: F401


class MixedLora:
    """The LoRA layers of one model. Not safe for two threads at once."""

    def __init__(self, model: Any) -> None:
        from torch import nn

        import_peft()
        from peft import get_peft_model

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers for a name that transformers renamed
            first = next(name for name, module in model.named_modules() if isinstance(module, nn.Linear))
            self._peft = get_peft_model(model, _configure(1, 1, [first]), _RESIDENT, autocast_adapter_dtype=False).eval()
        self._model = model
        model.requires_grad_(False)

    def add(self, name: str, settings: LoraSettings, tensors: Mapping[str, "torch.Tensor"]) -> None:
        """Add an adapter with these stored tensors; raises `RatchetError` when PEFT would adapt other layers than these."""
        from torch import nn

        config = _configure(settings.rank, settings.alpha, settings.target_modules)
        self._peft.add_adapter(name, config, low_cpu_mem_usage=True, autocast_adapter_dtype=False)
        adapted = {place for place, module in self._model.named_modules() if name in getattr(module, "lora_A", ())}
        if adapted != set(settings.target_modules):
            self.remove(name)
            raise refuse(f"PEFT would adapt {len(adapted)} layers, the adapter names {len(settings.target_modules)}.")
        for place in adapted:
            layer = self._model.get_submodule(place)
            layer.forward = _forward_of(layer.base_layer, layer.lora_A, layer.lora_B, layer.scaling)
            for side, modules in (("A", layer.lora_A), ("B", layer.lora_B)):
                stored = tensors[f"{PREFIX}{place}.lora_{side}.weight"]
                modules[name].weight = nn.Parameter(stored, requires_grad=False)
        self._peft.eval()

    def remove(self, name: str) -> None:
        """Take an adapter out."""
        self._peft.delete_adapter(name)

    def __call__(self, ids: "torch.Tensor", mask: "torch.Tensor", names: Sequence[str]) -> Any:
        """The model's output, each row by its own adapter. Quickest when rows of one adapter lie together."""
        return self._peft(input_ids=ids, attention_mask=mask, adapter_names=list(names))


def _forward_of(linear: Any, downs: Any, ups: Any, scales: Mapping[str, float]) -> Any:
    """What a LoRA layer computes; PEFT hands the names over. It refers to parts of the layer only, so that this is no cycle."""

    def forward(x: "torch.Tensor", adapter_names: Sequence[str] = ()) -> "torch.Tensor":
        result: torch.Tensor = linear(x)
        start = 0
        for name, run in itertools.groupby(adapter_names):
            end = start + len(list(run))
            if name in downs:
                low = x[start:end].flatten(0, -2) @ downs[name].weight.t()
                result[start:end].view(-1, result.shape[-1]).addmm_(low, ups[name].weight.t(), alpha=scales[name])
            start = end
        return result

    return forward


def _configure(rank: int, alpha: float, targets: Sequence[str]) -> Any:
    from peft import LoraConfig

    return LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=0.0, target_modules=list(targets), bias="none")
