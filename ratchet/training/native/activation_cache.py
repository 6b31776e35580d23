"""Cache of the frozen layers' activations.

Add here how they are looked up; how they are computed is in `activation_caching.py`.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class ActivationCache:
    """States [t, d] of all cached rows, concatenated and found by the row's tokens, and those of the shared part."""

    states: "torch.Tensor"
    starts: dict[bytes, int]
    prefix: "torch.Tensor | None" = None
    """States [1, p, d] of the shared part of a prompt."""

    def recall(self, ids: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor | None":
        """Return the states [n, t, d] of a padded batch, zeros in the padding; None where a row is not cached."""
        lengths, numbers = mask.sum(dim=1).tolist(), ids.numpy()
        starts = [self.starts.get(row[:length].tobytes()) for row, length in zip(numbers, lengths, strict=True)]
        result = self.states.new_zeros(*ids.shape, self.states.shape[-1])
        for into, start, length in zip(result, starts, lengths, strict=True):
            if start is None:
                return None
            into[:length] = self.states[start : start + length]
        return result
