"""LoRA layers that compute the same as PEFT's with one matrix product forward: the low rank is beside the weight.

For y = x W^T + s (x A^T) B^T the weight is stored as [W, s B], and multiplied with [x, x A^T]. The product adds in
float32 and rounds once. Merged into W, or added to a rounded y, a change smaller than half a step of bfloat16 would be
lost each time, and a base whose weights are bfloat16 would learn little. It is exact only without dropout between x and
A; layers with such dropout keep PEFT's own forward. Add other rearrangements of the same arithmetic here.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class FusedLoraLayer:
    """One adapted linear layer: its joined weight, and the float32 master of B."""

    up: "torch.Tensor"
    scale: float
    joined: "torch.Tensor"
    """[W, s B], [out, in + r], in the model's format."""

    def refresh(self) -> None:
        """Copy B after an optimiser step; W stays, and A is read from the model."""
        rank = self.up.shape[1]
        self.joined[:, -rank:].copy_(self.up.detach() * self.scale)


def fuse_lora(layer: Any, up: "torch.Tensor", scale: float) -> FusedLoraLayer:
    """Let PEFT's `layer`, already in its training format, compute this way; call `refresh` before its first use.

    `up` is the float32 master of its B. The layer's own weight becomes a view of the joined one, so that it is in
    memory once.
    """
    import torch

    class Product(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: "torch.Tensor", a: "torch.Tensor", b: "torch.Tensor") -> "torch.Tensor":
            rows = x.flatten(0, -2)
            low = rows @ a.t()
            ctx.save_for_backward(x, a, b, low)
            result = x.new_empty(*x.shape[:-1], len(joined))  # not a view: DeBERTa divides it in place
            wide, into = torch.cat([rows, low], 1), result.view(-1, len(joined))
            if bias is None:
                torch.mm(wide, joined.t(), out=into)
            else:
                torch.addmm(bias, wide, joined.t(), out=into)
            return result

        @staticmethod
        def backward(ctx: Any, *gradients: "torch.Tensor") -> tuple["torch.Tensor | None", ...]:
            x, a, b, low = ctx.saved_tensors
            flat, rows = gradients[0].flatten(0, -2), x.flatten(0, -2)
            back = (flat @ b).mul_(scale)
            to_x = torch.addmm(back @ a, flat, weight).view(x.shape) if ctx.needs_input_grad[0] else None
            return to_x, back.t() @ rows, (flat.t() @ low).mul_(scale)

    linear = layer.base_layer
    a, b = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    joined = torch.cat([linear.weight.detach(), b.detach()], 1)
    weight, bias = joined[:, : linear.in_features], linear.bias
    linear.weight.data = weight
    layer.forward = lambda x: Product.apply(x, a, b)  # type: ignore[no-untyped-call]
    return FusedLoraLayer(up, scale, joined)
