"""DoRA: a LoRA whose outputs are scaled, so that each weight row has a learned length (Liu et al. 2024).

For y = x W'^T + b with W' = m (W + s B A) / |W + s B A|, row by row, the scale c = m / |W + s B A| is one number for
each output. It does not depend on the input, so it is computed once: y = c (x W^T + s x A^T B^T) + b. Add here what
only DoRA needs.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ratchet.models.adapters.format import bad_adapter
from ratchet.models.adapters.peft_format import MAGNITUDE, PREFIX, LoraSettings

if TYPE_CHECKING:
    import torch


def add_product(
    weight: "torch.Tensor", module: str, settings: LoraSettings, tensors: Mapping[str, "torch.Tensor"]
) -> "torch.Tensor":
    """Compute W + s B A of one layer, float32 [out, in], from its stored tensors."""
    down, up = (tensors[f"{PREFIX}{module}.lora_{side}.weight"] for side in "AB")
    return weight.float() + (up @ down) * (settings.alpha / settings.rank)


def dora_scale(changed: "torch.Tensor", module: str, tensors: Mapping[str, "torch.Tensor"]) -> "torch.Tensor":
    """Compute c [out] from `changed` = W + s B A [out, in]; raises `RatchetError` where a row has length zero."""
    import torch

    scale: torch.Tensor = tensors[f"{PREFIX}{module}{MAGNITUDE}"] / torch.linalg.norm(changed, dim=1)
    if not torch.isfinite(scale).all():
        raise bad_adapter(f"layer {module} has an output of length zero, which no magnitude can stretch.")
    return scale
