"""The cached activations of the frozen layers."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class ActivationCache:
    """The states [t, d] of every known row behind each other, found by the row's tokens; and those of the shared
    part."""

    states: "torch.Tensor"
    starts: dict[bytes, int]
    prefix: "torch.Tensor | None" = None
    """[1, p, d] of the shared part of a prompt."""

    def recall(self, ids: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor | None":
        """States [n, t, d] of a padded batch, zeros where it is filled up; None when one of its rows is not known."""
        lengths, numbers = mask.sum(dim=1).tolist(), ids.numpy()
        starts = [self.starts.get(row[:length].tobytes()) for row, length in zip(numbers, lengths, strict=True)]
        result = self.states.new_zeros(*ids.shape, self.states.shape[-1])
        for into, start, length in zip(result, starts, lengths, strict=True):
            if start is None:
                return None
            into[:length] = self.states[start : start + length]
        return result
