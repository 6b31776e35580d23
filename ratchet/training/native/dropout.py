"""Cheap dropout: one random byte per value, from a generator that is seeded in each epoch.

On two cores torch's own dropout took 30 % of a training step. Add here other noise of training.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from ratchet.training.batching import seeded

if TYPE_CHECKING:
    import torch


_QUERIES = ("query", "q_lin", "query_proj", "in_proj")
"""Names of the query layer beside the dropout of attention probabilities: BERT, DistilBERT, DeBERTa 3 and 1."""


class DropoutNoise:
    """Random bytes of all dropouts of one model."""

    def __init__(self) -> None:
        self._random = seeded(0, 0)

    def begin_epoch(self, seed: int, epoch: int, rank: int) -> None:
        """Seed the bytes from the arguments alone; each process of a pair has its own `rank`."""
        self._random = np.random.Generator(np.random.SFC64(np.random.SeedSequence([seed, epoch, 1 + rank])))

    def keep_mask(self, like: "torch.Tensor", cut: int) -> "torch.Tensor":
        """Mask of zeros with probability cut / 256 and 256 / (256 - cut) elsewhere, in the shape and type of `like`."""
        import torch

        drawn = np.frombuffer(self._random.bytes(like.numel()), dtype=np.uint8) >= cut
        return torch.from_numpy(drawn).view(like.shape).to(like.device, like.dtype).mul_(256 / (256 - cut))

    def contexts(self) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        """Contexts of a computation and of its repetition for gradients, which draws the same bytes again."""
        drawn: dict[str, Any] = {}

        @contextmanager
        def first() -> Iterator[None]:
            drawn.update(self._random.bit_generator.state)
            yield

        @contextmanager
        def again() -> Iterator[None]:
            now = self._random.bit_generator.state
            self._random.bit_generator.state = drawn
            try:
                yield
            finally:
                self._random.bit_generator.state = now

        return first(), again()


def replace_dropouts(model: Any, noise: DropoutNoise) -> None:
    """Replace each of torch's dropouts by the cheap one, at the same share rounded to 1/256.

    Dropout of attention probabilities is switched off, since fused attention has none.
    """
    from torch import nn

    class CheapDropout(nn.Module):
        def __init__(self, share: float) -> None:
            super().__init__()
            self.cut = round(share * 256)

        def forward(self, values: "torch.Tensor") -> "torch.Tensor":
            if not self.training or self.cut == 0:
                return values
            return values * noise.keep_mask(values, self.cut)

    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Dropout):
                attention = name == "dropout" and any(hasattr(parent, query) for query in _QUERIES)
                if attention:
                    child.p = 0.0
                else:
                    setattr(parent, name, CheapDropout(child.p))
