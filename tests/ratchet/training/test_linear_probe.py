"""The probe's stored rows give the probabilities of scikit-learn's regression."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from ratchet.config.candidate import Candidate
from ratchet.metrics.calibration import softmax
from ratchet.training.linear_probe import fit_probe


@pytest.mark.parametrize("k", [2, 4])
def test_the_rows_reproduce_the_regression(k: int) -> None:
    """For two classes, where scikit-learn keeps a single row, and for more, softmax equals its probabilities."""
    random = np.random.default_rng(0)
    targets = random.integers(0, k, size=200)
    embeddings = random.normal(size=(200, 8)) + np.eye(8)[targets] * 2
    tensors = fit_probe(embeddings, targets, k, Candidate(method="probe"))
    logits = embeddings @ tensors["coef"].double().numpy().T + tensors["intercept"].double().numpy()
    expected = LogisticRegression(C=10.0, class_weight="balanced", max_iter=2000).fit(embeddings, targets)
    np.testing.assert_allclose(softmax(logits), expected.predict_proba(embeddings), atol=1e-5)
