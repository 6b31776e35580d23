"""The linear probe: logistic regression on the frozen base. It trains in a second and often wins when data are few.

Add here other ways to train on embeddings; training of the encoder itself is in
`ratchet/training/native/model_setup.py`.
"""

import warnings
from typing import TYPE_CHECKING

import numpy as np

from ratchet.config.candidate import Candidate
from ratchet.core.errors import RatchetError
from ratchet.metrics.classification import Floats, Integers

if TYPE_CHECKING:
    import torch

_MAX_STEPS = 2000


def fit_probe(embeddings: Floats, targets: Integers, k: int, candidate: Candidate) -> dict[str, "torch.Tensor"]:
    """Fit the regression; return float32 tensors `coef` [k, d] and `intercept` [k], whose softmax gives probabilities.

    `embeddings` is [n, d] with rows of length 1, `targets` integers [n] in which each of 0..k-1 occurs. Raises
    `RatchetError` when the optimiser did not converge.
    """
    import torch
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(
        C=candidate.inverse_regularisation, class_weight="balanced", max_iter=_MAX_STEPS, random_state=candidate.seed
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            model.fit(embeddings, targets)
        except ConvergenceWarning:
            raise RatchetError(
                f"the linear probe did not converge in {_MAX_STEPS} steps.",
                f"Lower inverse_regularisation ({candidate.inverse_regularisation}).",
                code="diverged",
            ) from None
    coef, intercept = one_row_for_each_class(model.coef_, model.intercept_, k)
    return {"coef": torch.from_numpy(coef).float(), "intercept": torch.from_numpy(intercept).float()}


def one_row_for_each_class(coef: Floats, intercept: Floats, k: int) -> tuple[Floats, Floats]:
    """`coef` [k, d] and `intercept` [k] for two classes too, where scikit-learn keeps only one row."""
    if k > 2:
        return coef, intercept
    return np.vstack([np.zeros_like(coef), coef]), np.concatenate([[0.0], intercept])
