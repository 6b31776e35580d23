"""Copies of a candidate's answers, made worse in a known way, without a model: from its probabilities alone.

Add here a copy that needs no training; those that learn from poisoned labels are in `probe_copies.py`.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ratchet.evaluation.scoring import Scored
from ratchet.metrics.classification import Floats, Integers

Answers = Mapping[str, Scored]
"""Answers of one model on `test` and `golden`."""


def shuffle_head(answers: Answers, seed: int = 0) -> dict[str, Scored]:
    """Return the answers of a head that was initialised again: the probabilities of other items, in other columns."""
    draw = np.random.default_rng(seed)

    def shuffled(probabilities: Floats) -> Floats:
        rows = probabilities[draw.permutation(len(probabilities))]
        return np.asarray(draw.permuted(rows, axis=1))

    return {name: with_probabilities(scored, shuffled(scored.calibrated)) for name, scored in answers.items()}


def soften(answers: Answers, temperature: float) -> dict[str, Scored]:
    """Return the same answers with probabilities of another temperature."""

    def softened(probabilities: Floats) -> Floats:
        raised = np.maximum(probabilities, 1e-12) ** (1 / temperature)
        return np.asarray(raised / raised.sum(axis=1, keepdims=True))

    return {name: with_probabilities(scored, softened(scored.calibrated)) for name, scored in answers.items()}


def lose(answers: Answers, split: str, share: float, label: int | None = None, seed: int = 0) -> dict[str, Scored]:
    """Return answers of which `share` of the items of `split` (of one `label`, or of each alike) are lost.

    The right answers that are lost are those that were least sure: the second answer takes their place by a hair, so
    that confidences stay nearly as they were.
    """
    scored = answers[split]
    lost = _least_sure(scored, share, label, seed, right=True)
    return {**answers, split: _turn(scored, lost)}


def make_twin(answers: Answers, churn: float = 0.04, seed: int = 0) -> dict[str, Scored]:
    """Return the answers of another model that is as good: as many items gained as lost, `churn` of all together.

    Where fewer are wrong, fewer are gained and lost.
    """
    twin = dict(answers)
    for name, scored in answers.items():
        gained = _least_sure(scored, churn / 2, None, seed, right=False)
        lost = _least_sure(scored, churn / 2, None, seed, right=True)
        draw = np.random.default_rng(seed)
        n = min(len(gained), len(lost))
        twin[name] = _turn(scored, np.concatenate([draw.permutation(gained)[:n], draw.permutation(lost)[:n]]))
    return twin


def common_label(answers: Answers) -> int:
    """Return the most frequent label of both splits."""
    labels = np.concatenate([scored.split.labels for scored in answers.values()])
    return int(np.bincount(labels).argmax())


def relabel(answers: Answers, split: str, labels: Integers) -> dict[str, Scored]:
    """Return the same answers to items of `split` that people labelled otherwise."""
    scored = answers[split]
    return {**answers, split: replace(scored, split=replace(scored.split, labels=labels))}


def largest_distance(first: Answers, second: Answers) -> float:
    """Return the largest Euclidean distance of two models' probabilities for a text."""
    return max(
        float(np.linalg.norm(scored.calibrated - second[name].calibrated, axis=1).max(initial=0.0))
        for name, scored in first.items()
    )


def with_probabilities(scored: Scored, probabilities: Floats) -> Scored:
    """Return answers to the same items with other probabilities."""
    return replace(scored, raw=probabilities, calibrated=probabilities)


def _least_sure(scored: Scored, share: float, label: int | None, seed: int, *, right: bool) -> Integers:
    """Return the places of right (or wrong) answers that a `share` of the items amounts to, evenly over labels."""
    truth, given, p = scored.split.labels, scored.predicted, scored.calibrated
    sure = p.max(axis=1) + 1e-6 * np.random.default_rng(seed).random(len(p))
    chosen = []
    for each in range(p.shape[1]) if label is None else [label]:
        mine = np.flatnonzero((truth == each) & ((given == truth) == right))
        wanted = round(share * int((truth == each).sum()))
        chosen.append(mine[np.argsort(sure[mine])][:wanted])
    return np.concatenate(chosen).astype(np.int64)


def _turn(scored: Scored, places: Integers) -> Scored:
    """Return answers in which, at `places`, the truth and the best other label change their order."""
    probabilities = scored.calibrated.copy()
    for place in places.tolist():
        truth, row = int(scored.split.labels[place]), probabilities[place]
        others = np.where(np.arange(len(row)) == truth, -1.0, row)
        other = int(others.argmax())
        middle, was_right = (row[truth] + row[other]) / 2, row[truth] > row[other]
        row[truth], row[other] = (middle * 0.999, middle * 1.001) if was_right else (middle * 1.001, middle * 0.999)
    return with_probabilities(scored, probabilities)
