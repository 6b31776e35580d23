"""Merging an adapter into its base model.

Add here how the weights of a form get into a model. Adapters that stay unmerged are in `ratchet/models/inference/`.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ratchet.models.adapters.dora import add_product, dora_scale
from ratchet.models.adapters.peft_format import PREFIX, LoraSettings

if TYPE_CHECKING:
    import torch


def apply_adapter(model: Any, settings: LoraSettings | None, tensors: Mapping[str, "torch.Tensor"]) -> None:
    """Write an adapter into a base model, in place: a LoRA or DoRA is merged, weights without settings are copied."""
    import torch

    if settings is not None:
        apply_lora(model, settings, tensors)
        return
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for name, value in tensors.items():
            parameters[name].copy_(value)


def apply_lora(model: Any, settings: LoraSettings, tensors: Mapping[str, "torch.Tensor"]) -> None:
    """Add the low-rank product to each target's weight (scaled for a DoRA), and copy the stored heads, in place."""
    import torch

    parameters = dict(model.named_parameters())
    lora = {f"{PREFIX}{module}" for module in settings.target_modules}
    with torch.no_grad():
        for module in settings.target_modules:
            weight = parameters[f"{module}.weight"]
            changed = add_product(weight, module, settings, tensors)
            weight.copy_(changed * dora_scale(changed, module, tensors).view(-1, 1) if settings.dora else changed)
        for name, value in tensors.items():
            if name.rpartition(".lora_")[0] not in lora:
                parameters[name.removeprefix(PREFIX)].copy_(value)
