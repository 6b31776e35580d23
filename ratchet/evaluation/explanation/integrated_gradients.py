"""Integrated gradients (Sundararajan et al. 2017) of one answer's log-probability, by captum, over the served model.

The path leads from the text with its tokens replaced by padding to the text; special tokens and the prompt stay. Add
here how gradients are integrated; the text's tokens are chosen, and the figures used, in `explain.py`.
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
"""Largest error of the sum of attributions, in nats; more steps are taken until it is smaller."""
STEPS = (32, 128, 512)
"""Numbers of points on the path, tried in order. A model whose padding is the zero vector changes abruptly at its
beginning, and needs many."""
_TOKENS_AT_ONCE = 1024


@dataclass(frozen=True)
class TokenAttributions:
    """Contribution of each token of one row to the log-probability of a class, float64 [t], and its error."""

    tokens: Floats
    log_probability: float
    baseline: float
    """The same class's log-probability where every token of the text is padding."""
    steps: int

    @property
    def delta(self) -> float:
        """Error of the sum of the attributions against the difference to the baseline, in nats."""
        return float(self.tokens.sum()) - (self.log_probability - self.baseline)

    @property
    def converged(self) -> bool:
        """True where the error is below `DELTA`."""
        return abs(self.delta) < DELTA


def integrate(
    predictor: Predictor, ids: Sequence[int], ours: Sequence[bool], label: int, steps: Sequence[int] = STEPS
) -> TokenAttributions:
    """Compute the attributions of the tokens `ids` of one text to class `label`; `ours` marks those of the text.

    Takes as many of `steps` as it needs to converge, and at most all: check `converged`.
    """
    import torch
    from captum.attr import LayerIntegratedGradients

    torch.set_num_threads(1)
    row = torch.tensor([list(ids)])
    blank = torch.tensor([[predictor.pad_id if own else token for token, own in zip(ids, ours, strict=True)]])
    mask = torch.ones_like(row)
    with torch.no_grad():  # also computes what rows share, before gradients are needed
        with_text, without = (float(_log_probabilities(predictor, tokens, mask)[0, label]) for tokens in (row, blank))

    def answer(tokens: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
        return _log_probabilities(predictor, tokens, mask)[:, label]

    method = LayerIntegratedGradients(answer, predictor.network.get_input_embeddings())
    result = TokenAttributions(np.zeros(len(ids)), with_text, without, 0)
    for count in steps:
        embedded: Any = method.attribute(
            row,
            blank,
            additional_forward_args=mask,
            n_steps=count,
            internal_batch_size=max(1, _TOKENS_AT_ONCE // len(ids)),
        )
        result = TokenAttributions(embedded.detach().double().sum(dim=-1)[0].numpy(), with_text, without, count)
        if result.converged:
            break
    return result


def _log_probabilities(predictor: Predictor, tokens: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
    """Return the log-probabilities of each class by the served path, at the served temperature: [n, k]."""
    import torch

    result: torch.Tensor = torch.log_softmax(predictor.rows(tokens, mask) / predictor.calibration.temperature, dim=-1)
    return result
