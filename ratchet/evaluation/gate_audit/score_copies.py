"""Copies of a candidate's answers, made worse in a known way, without a model: from its probabilities alone.

Add here a copy that needs no training; those that learn from poisoned labels are in `probe_copies.py`.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ratchet.evaluation.scoring import Scored
from ratchet.metrics.classification import Floats

Answers = Mapping[str, Scored]
"""Answers of one model on `test` and `golden`."""


def shuffle_head(answers: Answers, seed: int) -> dict[str, Scored]:
    """Return the answers of a head that was initialised again: the probabilities of other items, in other columns."""
    draw = np.random.default_rng(seed)

    def shuffled(probabilities: Floats) -> Floats:
        rows = probabilities[draw.permutation(len(probabilities))]
        return np.asarray(draw.permuted(rows, axis=1))

    return {name: _with(scored, shuffled(scored.calibrated)) for name, scored in answers.items()}


def largest_distance(first: Answers, second: Answers) -> float:
    """Return the largest Euclidean distance of two models' probabilities for a text."""
    return max(
        float(np.linalg.norm(scored.calibrated - second[name].calibrated, axis=1).max(initial=0.0))
        for name, scored in first.items()
    )


def _with(scored: Scored, probabilities: Floats) -> Scored:
    return replace(scored, raw=probabilities, calibrated=probabilities)
