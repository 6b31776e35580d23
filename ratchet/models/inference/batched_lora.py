"""LoRA and DoRA adapters in one model, unmerged: PEFT adds and removes them, each row of a batch uses its own.

PEFT's own layer copies rows out, adds five tensors for each adapter and copies them back, and gets the rows' adapters
from hooks that are put into the model for each call, which two threads cannot share. Our layer adds the low-rank
product in place, to runs of rows with the same adapter, and reads the route of its thread. PEFT sees a DoRA as a LoRA:
its scale, one number for each output, is computed once (`ratchet/models/adapters/dora.py`), while PEFT would compute it
for each batch. Add here what concerns PEFT. Heads are in `head_routing.py`, locks and batches in `multi_adapter.py`.
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
"""c [out] of a DoRA layer, and b (1 - c) [out], which keeps its own bias b unchanged; None without a bias."""

BASE = "__base__"
"""PEFT's name for a row that no adapter touches."""

_RESIDENT = "resident"  # PEFT needs an active adapter; no row names this one, so no other is active by accident


_without = hidden("bitsandbytes")  # PEFT would import it, at a cost of seconds and 50 MB: nothing is quantised here


@_without
def import_peft() -> None:
    """Import PEFT, which takes seconds the first time."""
    import peft  # noqa: F401


class BatchedLora:
    """LoRA layers of one model; `route` names the adapter of each row of a batch.

    Several threads may compute at once, but not while one adds or removes an adapter.
    """

    @_without
    def __init__(self, model: Any, route: Route) -> None:
        from torch import nn

        import_peft()
        from peft import get_peft_model

        with warnings.catch_warnings():
            # PEFT uses a name that transformers renamed
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
        """Add an adapter with these stored tensors; raises `RatchetError` where PEFT would adapt other layers.

        `stretches` is the result of `dora_scales` for it.
        """
        from torch import nn

        config = _configure(settings.rank, settings.alpha, settings.target_modules)
        self._peft.add_adapter(name, config, low_cpu_mem_usage=True, autocast_adapter_dtype=False)
        adapted = {place for place, module in self._model.named_modules() if name in getattr(module, "lora_A", ())}
        # PEFT matches the ends of names, so a name may match other layers, too
        if adapted != set(settings.target_modules):
            self.remove(name)
            raise bad_adapter(
                f"PEFT would adapt {len(adapted)} layers, but the adapter names {len(settings.target_modules)}."
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
        """Remove an adapter."""
        self._peft.delete_adapter(name)
        for stretches in self._stretches.values():
            stretches.pop(name, None)

    def __call__(self, **inputs: "torch.Tensor") -> Any:
        """Compute the model's output, each row by its own adapter; fastest where rows of one adapter are adjacent."""
        return self._model(**inputs)

    def _take_over(self, place: str) -> Any:
        """Replace the forward function of the layer at `place` by ours; returns the layer."""
        layer = self._model.get_submodule(place)
        stretches = self._stretches.setdefault(place, {})
        layer.forward = _forward_of(layer.base_layer, layer.lora_A, layer.lora_B, layer.scaling, stretches, self._route)
        return layer


def dora_scales(model: Any, settings: LoraSettings, tensors: Mapping[str, "torch.Tensor"]) -> "dict[str, DoraScale]":
    """Scale of every layer of a DoRA on this model, by the layer's name; empty for a LoRA.

    Other threads may compute with the model meanwhile.
    """
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
    """Make the forward function of a LoRA layer, from parts of the layer only, to avoid a reference cycle."""

    def forward(x: "torch.Tensor") -> "torch.Tensor":
        result: torch.Tensor = linear(x)
        if len(x) < len(route.names) and len(set(route.names)) > 1:
            raise ValueError("a layer that gets other rows than those of the texts cannot choose their adapters")
        start = 0
        # one product for each run of rows with the same adapter, added in place: nothing is copied out and back
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
