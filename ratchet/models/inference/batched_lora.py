"""LoRA and DoRA adapters side by side in one model, unmerged: PEFT adds and removes them, and each row of a batch names
its own.

PEFT's own layer copies rows out, adds five tensors for each adapter and copies them back, and learns the rows' adapters
from hooks hung into the model for each call, which two threads cannot share. Ours adds the low-rank product in place,
to runs of rows that name the same adapter, and asks the route of its thread. To PEFT a DoRA is a LoRA: its stretch, one
number for each output, is computed once (`ratchet/models/adapters/dora.py`), where PEFT would compute it for each
batch. Add here what concerns PEFT. Heads are `head_routing.py`; locks and batches are `multi_adapter.py`.
"""

import itertools
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ratchet.core.blocked_imports import hidden
from ratchet.models.adapters.dora import add_product, dora_scale
from ratchet.models.adapters.format import bad_adapter
from ratchet.models.adapters.peft_format import PREFIX, LoraSettings
from ratchet.models.inference.head_routing import Route

if TYPE_CHECKING:
    import torch

DoraScale = tuple["torch.Tensor", "torch.Tensor | None"]
"""c [out] of a DoRA layer, and b (1 - c) [out], which keeps the layer's own bias b as it was; None where there is no
bias."""

BASE = "__base__"
"""PEFT's name for a row that no adapter touches."""

_RESIDENT = "resident"  # PEFT wants one adapter that is active; nobody names it, so that no other is active by accident


_without = hidden("bitsandbytes")  # peft would import it, seconds and 50 MB for nothing: no encoder is quantised here


@_without
def import_peft() -> None:
    """Import PEFT, which takes seconds the first time."""
    import peft  # noqa: F401


class BatchedLora:
    """The LoRA layers of one model, by which each row of a batch goes as `route` says. Threads may compute at once,
    while none adds or removes."""

    @_without
    def __init__(self, model: Any, route: Route) -> None:
        from torch import nn

        import_peft()
        from peft import get_peft_model

        with warnings.catch_warnings():
            # peft asks transformers for a name that transformers renamed
            warnings.simplefilter("ignore", FutureWarning)
            first = next(name for name, module in model.named_modules() if isinstance(module, nn.Linear))
            self._peft = get_peft_model(
                model, _configure(1, 1, [first]), _RESIDENT, autocast_adapter_dtype=False
            ).eval()
        self._model, self._route = model, route
        self._stretches: dict[str, dict[str, DoraScale]] = {}
        self._take_over(first)
        model.requires_grad_(False)

    @_without
    def add(
        self,
        name: str,
        settings: LoraSettings,
        tensors: Mapping[str, "torch.Tensor"],
        stretches: "Mapping[str, DoraScale]",
    ) -> None:
        """Add an adapter with these stored tensors; raises `RatchetError` when PEFT would adapt other layers than
        these.

        `stretches` is what `dora_scales` found for it.
        """
        from torch import nn

        config = _configure(settings.rank, settings.alpha, settings.target_modules)
        self._peft.add_adapter(name, config, low_cpu_mem_usage=True, autocast_adapter_dtype=False)
        adapted = {place for place, module in self._model.named_modules() if name in getattr(module, "lora_A", ())}
        if adapted != set(settings.target_modules):
            self.remove(name)
            raise bad_adapter(
                f"PEFT would adapt {len(adapted)} layers, the adapter names {len(settings.target_modules)}."
            )
        for place in adapted:
            layer = self._take_over(place)
            if place in stretches:
                self._stretches[place][name] = stretches[place]
            for side, modules in (("A", layer.lora_A), ("B", layer.lora_B)):
                stored = tensors[f"{PREFIX}{place}.lora_{side}.weight"]
                modules[name].weight = nn.Parameter(stored, requires_grad=False)
        self._peft.eval()

    def remove(self, name: str) -> None:
        """Take an adapter out."""
        self._peft.delete_adapter(name)
        for stretches in self._stretches.values():
            stretches.pop(name, None)

    def __call__(self, **inputs: "torch.Tensor") -> Any:
        """The model's output, each row by its own adapter. Quickest when rows of one adapter lie together."""
        return self._model(**inputs)

    def _take_over(self, place: str) -> Any:
        """Have the layer at `place` compute as ours do; the layer."""
        layer = self._model.get_submodule(place)
        stretches = self._stretches.setdefault(place, {})
        layer.forward = _forward_of(layer.base_layer, layer.lora_A, layer.lora_B, layer.scaling, stretches, self._route)
        return layer


def dora_scales(model: Any, settings: LoraSettings, tensors: Mapping[str, "torch.Tensor"]) -> "dict[str, DoraScale]":
    """The stretch of every layer of a DoRA on this model, by the layer's name; nothing for a LoRA. Others may ask
    meanwhile."""
    if not settings.dora:
        return {}
    result: dict[str, DoraScale] = {}
    for place in settings.target_modules:
        layer = model.get_submodule(place)
        linear = getattr(layer, "base_layer", layer)
        stretch = dora_scale(add_product(linear.weight, place, settings, tensors), place, tensors)
        result[place] = stretch, None if linear.bias is None else linear.bias * (1 - stretch)
    return result


def _forward_of(
    linear: Any, downs: Any, ups: Any, scales: Mapping[str, float], stretches: "Mapping[str, DoraScale]", route: Route
) -> Any:
    """What a LoRA layer computes. It refers to parts of the layer only, so that this is no cycle."""

    def forward(x: "torch.Tensor") -> "torch.Tensor":
        result: torch.Tensor = linear(x)
        if len(x) < len(route.names) and len(set(route.names)) > 1:
            raise ValueError("a layer that sees other rows than the texts cannot tell whose adapter they need")
        start = 0
        for name, run in itertools.groupby(route.names):
            end = start + len(list(run))
            if name in downs:
                low = x[start:end].flatten(0, -2) @ downs[name].weight.t()
                mine = result[start:end].view(-1, result.shape[-1])
                mine.addmm_(low, ups[name].weight.t(), alpha=scales[name])
                if name in stretches:
                    stretch, shift = stretches[name]
                    mine.mul_(stretch)
                    if shift is not None:
                        mine.add_(shift)
            start = end
        return result

    return forward


def _configure(rank: int, alpha: float, targets: Sequence[str]) -> Any:
    from peft import LoraConfig

    return LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=0.0, target_modules=list(targets), bias="none")
