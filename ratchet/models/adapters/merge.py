"""Merging an adapter into its base model."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ratchet.models.adapters.dora import add_product, dora_scale
from ratchet.models.adapters.peft_format import PREFIX, LoraSettings

if TYPE_CHECKING:
    import torch


def apply_adapter(model: Any, settings: LoraSettings | None, tensors: Mapping[str, "torch.Tensor"]) -> None:
    """Put what was trained into a base model for good: a LoRA or DoRA is merged, weights without settings take their
    places."""
    import torch

    if settings is not None:
        apply_lora(model, settings, tensors)
        return
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for name, value in tensors.items():
            parameters[name].copy_(value)


def apply_lora(model: Any, settings: LoraSettings, tensors: Mapping[str, "torch.Tensor"]) -> None:
    """Add the low-rank product to each target's weight, stretched where the adapter is a DoRA, and put the saved heads
    in place."""
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
