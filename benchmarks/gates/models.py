"""Simulated models: equal ones, which know the same and err each for itself, and people who label.

Add here another way in which models or people differ; weeks are made of them in `honest_weeks.py` and `attacks.py`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ratchet.metrics.calibration import softmax

K = 6
LABELS = tuple(f"l{i}" for i in range(K))
ERROR = 0.02
"""Share of labels that people get wrong."""
_SCALE, _SHARED, _OWN = 9.2, 2.2, 2.05
"""Strength of the truth in the logits, noise that the models share, and that of each: 94 % right, one alone on 9 %."""
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Answers:
    """Texts with their truth, and the answers and confidences of candidate, live and the adapter of 13 weeks ago."""

    truth: Integers
    probabilities: tuple[NDArray[np.float64], ...]

    @property
    def predicted(self) -> tuple[Integers, ...]:
        """Most likely label of each model."""
        return tuple(np.asarray(each.argmax(axis=1)) for each in self.probabilities)


def answer(generator: Generator, n: int, models: int = 3) -> Answers:
    """Return `n` texts and the answers of equal models to them."""
    truth = generator.integers(K, size=n)
    shared = _SCALE * np.eye(K)[truth] + _SHARED * generator.normal(size=(n, K))
    own = (softmax(shared + _OWN * generator.normal(size=(n, K))) for _ in range(models))
    return Answers(truth, tuple(own))


def answer_complaints(generator: Generator, n: int, weight: float) -> Answers:
    """Return `n` labelled texts of a home without a review queue, where what live (the second model) got wrong is
    labelled `weight` times as often."""
    found = answer(generator, 3 * n)
    wanted = np.where(found.predicted[1] == found.truth, 1.0, weight)
    kept = generator.choice(3 * n, n, replace=False, p=wanted / wanted.sum())
    return Answers(found.truth[kept], tuple(each[kept] for each in found.probabilities))


def misread(generator: Generator, truth: Integers, error: float = ERROR) -> Integers:
    """Return the labels of people who err in a share `error` of cases."""
    other = (truth + generator.integers(1, K, len(truth))) % K
    return np.asarray(np.where(generator.random(len(truth)) < error, other, truth))


def name(labels: Integers) -> list[str]:
    """Return labels by name."""
    return [LABELS[each] for each in labels]


def answer_on(generator: Generator, truth: Integers) -> Answers:
    """Return the answers of two equal models to texts of a given truth."""
    shared = _SCALE * np.eye(K)[truth] + _SHARED * generator.normal(size=(len(truth), K))
    return Answers(truth, tuple(softmax(shared + _OWN * generator.normal(size=shared.shape)) for _ in range(2)))
