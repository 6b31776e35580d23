"""DoRA layers that compute the same as PEFT's, with one matrix product forward and one factor per output.

y = c (x W^T + s x A^T B^T) + b with c = m / n and n = |W + s B A|, row by row, where n counts as a
constant, as in PEFT. Like a fused LoRA (`fused_lora.py`) the layer multiplies [x, x A^T] with [W, s B]; the bias goes
in as b / c, and c - 1 times the outputs is added to them: c is near 1, where bfloat16 resolves c - 1 far better. n
needs no matrix of the size of W: n^2 = |W|^2 + 2 s B (A W^T) + s^2 B (A A^T) B^T, once a step. Add here other
rearrangements of DoRA's arithmetic.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class FusedDoraLayer:
    """One layer adapted by DoRA: its joined weight, and the float32 masters of B and m."""

    up: "torch.Tensor"
    magnitude: "torch.Tensor"
    """Master of m, [out]."""
    scale: float
    joined: "torch.Tensor"
    """[W, s B], [out, in + r], in the model's format."""
    down: "torch.Tensor"
    """A as the model has it, [r, in]."""
    bias: "torch.Tensor | None"
    squares: "torch.Tensor"
    """|W|^2 of each output, float32 [out]."""
    length: "torch.Tensor"
    """Norm n, float32 [out]."""
    extra: "torch.Tensor"
    """c - 1, [out], in the model's format."""
    offset: "torch.Tensor"
    """b / c, [out], in the model's format; zeros without a bias."""

    def refresh(self) -> None:
        """Copy A, B and m after an optimiser step."""
        import torch

        rank, down = self.up.shape[1], self.down.detach()
        self.joined[:, -rank:].copy_(self.up.detach() * self.scale)
        up, small = self.joined[:, -rank:].float(), (down.float() @ down.float().t())
        across = (self.joined[:, :-rank] @ down.t()).float()
        squared = self.squares + 2 * (up * across).sum(1) + ((up @ small) * up).sum(1)
        torch.sqrt(squared, out=self.length)
        stretch = self.magnitude.detach().to(squared.device) / self.length
        self.extra.copy_(stretch - 1)
        if self.bias is not None:
            self.offset.copy_(self.bias.detach().float() / stretch)


def fuse_dora(layer: Any, up: "torch.Tensor", magnitude: "torch.Tensor", scale: float) -> FusedDoraLayer:
    """Let PEFT's `layer` compute this way from now on; call `refresh` before its first use.

    `up` and `magnitude` are the float32 masters of its B and m. The layer's own weight becomes a view of the joined
    one.
    """
    import torch

    class Product(torch.autograd.Function):
        @staticmethod
        def forward(
            ctx: Any, x: "torch.Tensor", a: "torch.Tensor", b: "torch.Tensor", m: "torch.Tensor"
        ) -> "torch.Tensor":
            rows = x.flatten(0, -2)
            low = rows @ a.t()
            short = torch.addmm(made.offset, torch.cat([rows, low], 1), joined.t())
            ctx.save_for_backward(x, a, b, low, short)
            result = x.new_empty(*x.shape[:-1], len(joined))  # not a view: DeBERTa divides it in place
            torch.addcmul(short, short, made.extra, out=result.view(-1, len(joined)))
            return result

        @staticmethod
        def backward(ctx: Any, *gradients: "torch.Tensor") -> tuple["torch.Tensor | None", ...]:
            x, a, b, low, short = ctx.saved_tensors
            flat, rows = gradients[0].flatten(0, -2), x.flatten(0, -2)
            to_m = (flat * short).sum(0, dtype=torch.float32)
            if bias is not None:
                to_m -= flat.sum(0, dtype=torch.float32) * made.offset.float()
            to_m = (to_m / made.length).to(b.dtype)
            flat = torch.addcmul(flat, flat, made.extra)
            back = (flat @ b).mul_(scale)
            to_x = torch.addmm(back @ a, flat, weight).view(x.shape) if ctx.needs_input_grad[0] else None
            return to_x, back.t() @ rows, (flat.t() @ low).mul_(scale), to_m

    linear = layer.base_layer
    a, b, m = (
        layer.lora_A["default"].weight,
        layer.lora_B["default"].weight,
        layer.lora_magnitude_vector["default"].weight,
    )
    squares = torch.linalg.vector_norm(linear.weight.detach(), dim=1, dtype=torch.float32) ** 2
    joined = torch.cat([linear.weight.detach(), b.detach()], 1)
    weight, bias = joined[:, : linear.in_features], linear.bias
    linear.weight.data = weight
    extra, offset = torch.zeros_like(joined[:, 0]), torch.zeros_like(joined[:, 0])
    made = FusedDoraLayer(up, magnitude, scale, joined, a, bias, squares, squares.sqrt(), extra, offset)
    layer.forward = lambda x: Product.apply(x, a, b, m)  # type: ignore[no-untyped-call]
    return made
