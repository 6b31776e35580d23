"""LoRA layers that train merged: one matrix product forward and one backward, as if the layer had no adapter.

For y = x (W + s B A)^T the low-rank product is added to the weight once per step, not to the output of every token, and
the gradients of A and B need only products with the rank on one side. The sum is taken in float32 and rounded once, so
that small changes of B A survive in bfloat16 on average. Exact only without dropout between x and A; layers with such
dropout keep PEFT's own forward. Add other rearrangements of the same arithmetic here.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class MergedLayer:
    """One adapted linear layer: its frozen float32 weight, the float32 masters, and the weight that it multiplies with."""

    frozen: "torch.Tensor"
    down: "torch.Tensor"
    up: "torch.Tensor"
    scale: float
    merged: "torch.Tensor"
    sums: "torch.Tensor"
    """Room for the float32 sum, shared by layers of one shape: made anew for each, it costs more than the sum itself."""

    def refresh(self) -> None:
        """Merge the masters anew, after an optimiser step."""
        import torch

        down, up = (master.detach().to(self.frozen.device) for master in (self.down, self.up))
        torch.addmm(self.frozen, up, down, alpha=self.scale, out=self.sums)
        self.merged.copy_(self.sums)


def merge_layer(
    layer: Any, frozen: "torch.Tensor", down: "torch.Tensor", up: "torch.Tensor", scale: float, sums: "torch.Tensor"
) -> MergedLayer:
    """Let PEFT's `layer` compute merged from now on; call `refresh` before its first use. `sums` is any room of its shape."""
    import torch

    class Product(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: "torch.Tensor", a: "torch.Tensor", b: "torch.Tensor") -> "torch.Tensor":
            ctx.save_for_backward(x, a, b)
            result = x.new_empty(*x.shape[:-1], len(merged))  # of its own, and no view: DeBERTa divides it in place
            flat, into = x.flatten(0, -2), result.view(-1, len(merged))
            if bias is None:
                torch.mm(flat, merged.t(), out=into)
            else:
                torch.addmm(bias, flat, merged.t(), out=into)
            return result

        @staticmethod
        def backward(ctx: Any, *gradients: "torch.Tensor") -> tuple["torch.Tensor | None", ...]:
            x, a, b = ctx.saved_tensors
            flat, rows = gradients[0].flatten(0, -2), x.flatten(0, -2)
            to_x = (flat @ merged).view(x.shape) if ctx.needs_input_grad[0] else None
            to_b = (flat.t() @ (rows @ a.t())).mul_(scale)
            to_a = ((flat @ b).t() @ rows).mul_(scale)
            return to_x, to_a, to_b

    merged = torch.empty_like(frozen, dtype=layer.base_layer.weight.dtype)
    bias = layer.base_layer.bias
    a, b = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    layer.forward = lambda x: Product.apply(x, a, b)  # type: ignore[no-untyped-call]
    return MergedLayer(frozen, down, up, scale, merged, sums)
