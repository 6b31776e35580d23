"""Copies that learn: linear probes on cached features, honest and with poisoned labels or texts.

Ridge regression on one-hot labels has a closed form, so that all poisoned labels share one factorisation, and an audit
trains in milliseconds what the honest probe is compared with. Add here another poison that changes what is learned.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ratchet.evaluation.gate_audit.score_copies import Answers, with_probabilities
from ratchet.metrics.calibration import softmax
from ratchet.metrics.classification import Floats, Integers

_RIDGE, _SCALE = 0.1, 8.0
Embed = Callable[[Sequence[str]], Floats]


@dataclass(frozen=True)
class Probe:
    """Weights [d + 1, k] of a linear probe."""

    weights: Floats

    def probabilities(self, features: Floats) -> Floats:
        """Return the probabilities [n, k] of items with `features` [n, d]."""
        return softmax(_SCALE * (_with_one(features) @ self.weights))


@dataclass(frozen=True)
class ProbeTrainer:
    """Training features [n, d] with their factorised Gram matrix, which every copy of the same texts shares."""

    features: Floats
    labels: Integers
    k: int
    gram: Floats

    @classmethod
    def of(cls, features: Floats, labels: Integers, k: int) -> "ProbeTrainer":
        """Prepare the training of probes on `features`."""
        rows = _with_one(features)
        return cls(features, labels, k, rows.T @ rows + _RIDGE * np.eye(rows.shape[1]))

    def train(self, labels: Integers | None = None) -> Probe:
        """Return the probe of these labels, by default the honest ones."""
        wanted = np.eye(self.k)[self.labels if labels is None else labels]
        return Probe(np.asarray(np.linalg.solve(self.gram, _with_one(self.features).T @ wanted), dtype=np.float64))

    def train_with(self, places: Integers, features: Floats, label: int) -> Probe:
        """Return the probe of texts of which those at `places` have other features and one label."""
        changed, labels = self.features.copy(), self.labels.copy()
        changed[places], labels[places] = features, label
        return ProbeTrainer.of(changed, labels, self.k).train()


def probe_answers(probe: Probe, features: dict[str, Floats], like: Answers) -> Answers:
    """Return a probe's answers to the items of `like`, whose features are given by split."""
    return {name: with_probabilities(scored, probe.probabilities(features[name])) for name, scored in like.items()}


def flip_class(labels: Integers, label: int, k: int, share: float = 0.3, seed: int = 0) -> Integers:
    """Return labels of which a `share` of one class is the next label."""
    mine = np.flatnonzero(labels == label)
    chosen = np.random.default_rng(seed).permutation(mine)[: round(share * len(mine))]
    flipped = labels.copy()
    flipped[chosen] = (label + 1) % k
    return flipped


def swap_classes(labels: Integers, first: int, second: int) -> Integers:
    """Return labels in which two classes stand for each other."""
    return np.where(labels == first, second, np.where(labels == second, first, labels)).astype(np.int64)


def _with_one(features: Floats) -> Floats:
    return np.hstack([features, np.ones((len(features), 1))])
