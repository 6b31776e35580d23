"""Integrated gradients (Sundararajan et al. 2017) of one answer's log-probability, by captum, over the served model
itself.

The path leads from the text with its tokens replaced by padding to the text; special tokens and the prompt stay. Add
here how gradients are integrated; which tokens are the text's, and what becomes of the figures, is in `explain.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ratchet.metrics.classification import Floats
from ratchet.models.inference.predictor import Predictor

if TYPE_CHECKING:
    import torch

DELTA = 0.05
"""Nats by which attributions may miss the difference that they explain; more steps are taken until they do not."""
STEPS = (32, 128, 512)
"""Points at which the path is looked at. A model whose padding is the zero vector leaps at its beginning, and needs
many."""
_TOKENS_AT_ONCE = 1024


@dataclass(frozen=True)
class TokenAttributions:
    """What each token of one row adds to the log-probability of a class, float64 [t], and how exactly that is known."""

    tokens: Floats
    log_probability: float
    baseline: float
    """The same class's log-probability where every token of the text is padding."""
    steps: int

    @property
    def delta(self) -> float:
        """By how much the sum of the attributions misses the difference to the baseline, in nats."""
        return float(self.tokens.sum()) - (self.log_probability - self.baseline)

    @property
    def converged(self) -> bool:
        """Whether the miss is below `DELTA`."""
        return abs(self.delta) < DELTA


def integrate(
    predictor: Predictor, ids: Sequence[int], ours: Sequence[bool], label: int, steps: Sequence[int] = STEPS
) -> TokenAttributions:
    """Attributions of the tokens `ids` of one text to class `label`; `ours` says which of them are the text's.

    Takes as many of `steps` as it needs to converge, and at most all: look at `converged`.
    """
    import torch
    from captum.attr import LayerIntegratedGradients

    torch.set_num_threads(1)
    row = torch.tensor([list(ids)])
    blank = torch.tensor([[predictor.pad_id if own else token for token, own in zip(ids, ours, strict=True)]])
    mask = torch.ones_like(row)
    with torch.no_grad():  # also computes what rows share, before gradients are asked for
        said, without = (float(_log_probabilities(predictor, tokens, mask)[0, label]) for tokens in (row, blank))

    def answer(tokens: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
        return _log_probabilities(predictor, tokens, mask)[:, label]

    method = LayerIntegratedGradients(answer, predictor.network.get_input_embeddings())
    result = TokenAttributions(np.zeros(len(ids)), said, without, 0)
    for count in steps:
        embedded: Any = method.attribute(
            row,
            blank,
            additional_forward_args=mask,
            n_steps=count,
            internal_batch_size=max(1, _TOKENS_AT_ONCE // len(ids)),
        )
        result = TokenAttributions(embedded.detach().double().sum(dim=-1)[0].numpy(), said, without, count)
        if result.converged:
            break
    return result


def _log_probabilities(predictor: Predictor, tokens: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
    """Of each class by the served path and at the served temperature: [n, k]."""
    import torch

    result: torch.Tensor = torch.log_softmax(predictor.rows(tokens, mask) / predictor.calibration.temperature, dim=-1)
    return result
