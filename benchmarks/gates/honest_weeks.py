"""Row 10: honest weeks: each gate that decides by chance on an equal candidate, and a class with a third flipped.

A week has 200 randomly drawn labels of people who err in 2 %, 40 of them by a second one as well, 200 golden items,
2,000 examples in train and eight weeks of before. Candidate and live know the same and err each for itself: they agree
with 92 % of the labels.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.gates.distribution import decide_mix
from benchmarks.gates.figures import Figure, Measured, counted
from ratchet.config.policy import Limits
from ratchet.config.slices import Slices
from ratchet.gates.calibration_regression import decide_calibration
from ratchet.gates.golden_agreement import decide_golden_agreement
from ratchet.gates.golden_anchor import Anchor
from ratchet.gates.golden_set_regression import GoldenAnswer, decide_regression
from ratchet.gates.label_agreement import decide_agreement
from ratchet.gates.paired_answers import PairedAnswer
from ratchet.gates.slices import decide_slices
from ratchet.metrics.agreement import measure_agreement
from ratchet.metrics.calibration import softmax

_CYCLES = 600
_K, _DRAWN, _DOUBLES, _GOLDEN, _TRAIN, _WEEKS = 6, 200, 40, 200, 2000, 8
_ERROR = 0.02
"""Share of labels that people get wrong."""
_SCALE, _SHARED, _OWN = 9.2, 2.2, 2.05
"""Strength of the truth in the logits, noise that the models share, and that of each: 94 % right, one alone on 10 %."""
_LABELS = tuple(f"l{i}" for i in range(_K))
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
    truth = generator.integers(_K, size=n)
    shared = _SCALE * np.eye(_K)[truth] + _SHARED * generator.normal(size=(n, _K))
    own = (softmax(shared + _OWN * generator.normal(size=(n, _K))) for _ in range(models))
    return Answers(truth, tuple(own))


def answer_complaints(generator: Generator, n: int, weight: float) -> Answers:
    """Return `n` labelled texts of a home without a review queue, where what live (the second model) got wrong is
    labelled `weight` times as often."""
    found = answer(generator, 3 * n)
    wanted = np.where(found.predicted[1] == found.truth, 1.0, weight)
    kept = generator.choice(3 * n, n, replace=False, p=wanted / wanted.sum())
    return Answers(found.truth[kept], tuple(each[kept] for each in found.probabilities))


def misread(generator: Generator, truth: Integers, error: float = _ERROR) -> Integers:
    """Return the labels of people who err in a share `error` of cases."""
    other = (truth + generator.integers(1, _K, len(truth))) % _K
    return np.asarray(np.where(generator.random(len(truth)) < error, other, truth))


def name(labels: Integers) -> list[str]:
    """Return labels by name."""
    return [_LABELS[each] for each in labels]


def count_rows(split: str, labels: Integers, predicted: Integers, served: Integers | None = None
               ) -> list[dict[str, object]]:  # fmt: skip
    """Return rows of split, label, predicted and served, counted as the product's query counts them."""
    answered = [None] * len(labels) if served is None else name(served)
    counts = Counter(zip(name(labels), name(predicted), answered, strict=True))
    return [
        {"split": split, "label": label, "predicted": mine, "served": theirs, "n": n}
        for (label, mine, theirs), n in counts.items()
    ]


def pair_up(generator: Generator, split: str, labels: Integers, answers: Answers) -> Iterator[PairedAnswer]:
    """Yield candidate and live on each item, with one column of ten values."""
    (mine, theirs, *_), (p, live_p, *_) = answers.predicted, answers.probabilities
    channel = generator.integers(10, size=len(labels))
    for i, label in enumerate(labels):
        yield PairedAnswer(
            split, _LABELS[label], _LABELS[mine[i]], _LABELS[theirs[i]], float(p[i, label]), float(live_p[i, label]),
            _LABELS[theirs[i]], {"channel": str(channel[i])},
        )  # fmt: skip


def blocking_gates(generator: Generator, weight: float = 1.0) -> list[str]:
    """Return the gates that block an honest week; `weight` is that of the requests that live got wrong."""
    golden, test = answer(generator, _GOLDEN), answer_complaints(generator, _DRAWN, weight)
    labels = misread(generator, test.truth)
    before = answer_complaints(generator, _WEEKS * _DRAWN, weight)
    then = count_rows("test", misread(generator, before.truth), before.predicted[0])
    second = misread(generator, test.truth[:_DOUBLES])
    doubles = pd.DataFrame(
        {
            "request_id": np.tile(np.arange(_DOUBLES), 2),
            "annotator": np.repeat(["a", "b"], _DOUBLES),
            "label": name(np.r_[labels[:_DOUBLES], second]),
        }
    )
    limits = Limits()
    rows = [
        *count_rows("test", labels, test.predicted[0], test.predicted[1]),
        *count_rows("golden", golden.truth, golden.predicted[0]),
    ]
    kept = [
        GoldenAnswer(str(i), *each)
        for i, each in enumerate(zip(*(name(part) for part in (golden.truth, *golden.predicted[:2])), strict=True))
    ]
    anchor = Anchor("", "a" * 64, "2025-12-01", tuple(name(golden.predicted[2])))
    pairs = [*pair_up(generator, "golden", golden.truth, golden), *pair_up(generator, "test", labels, test)]
    served = dict(Counter(name(test.predicted[1])))
    mix = np.bincount(labels, minlength=_K)
    outcomes = {
        "label_agreement": decide_agreement(measure_agreement(doubles, _LABELS), limits).outcome,
        "label_distribution": decide_mix(generator.multinomial(_TRAIN, [1 / _K] * _K), mix),
        "golden_agreement": decide_golden_agreement(rows, served, then).outcome,
        "golden_set_regression": decide_regression(kept, limits, anchor).outcome,
        "calibration_regression": decide_calibration(pairs, limits.max_nll_rise).outcome,
        "slices": decide_slices(pairs, Slices(("channel",)), limits.max_golden_loss).outcome,
    }
    return [gate for gate, outcome in outcomes.items() if outcome == "failed"]


def blocked_by_complaints(weight: float, weeks: int) -> int:
    """Return how many honest weeks any gate blocks where complaints weigh `weight`."""
    return sum(bool(blocking_gates(np.random.default_rng((5, i)), weight)) for i in range(weeks))


def flipped_is_seen(generator: Generator, per_class: int, error: float) -> bool:
    """Return True where `golden_agreement` blocks a week that flipped 30 % of the labels of one class."""
    truth = np.repeat(np.arange(_K), per_class)
    test = _answer_on(generator, truth)
    labels = misread(generator, truth, error)
    flipped = (truth == 0) & (generator.random(len(truth)) < 0.30)
    labels = np.where(flipped, 1, labels)
    before, golden = _answer_on(generator, np.repeat(truth, _WEEKS)), answer(generator, _GOLDEN)
    then = count_rows("test", misread(generator, before.truth, error), before.predicted[0])
    rows = [
        *count_rows("test", labels, test.predicted[0], test.predicted[1]),
        *count_rows("golden", golden.truth, golden.predicted[0]),
    ]
    return decide_golden_agreement(rows, dict(Counter(name(test.predicted[1]))), then).outcome == "failed"


def _answer_on(generator: Generator, truth: Integers) -> Answers:
    shared = _SCALE * np.eye(_K)[truth] + _SHARED * generator.normal(size=(len(truth), _K))
    return Answers(truth, tuple(softmax(shared + _OWN * generator.normal(size=shared.shape)) for _ in range(2)))


def measure_honest_weeks() -> Measured:
    """Return row 10."""
    found = [blocking_gates(np.random.default_rng((10, i))) for i in range(_CYCLES)]
    by_gate = Counter(gate for gates in found for gate in gates)
    figures: list[Figure] = [
        counted(f"equal candidate, honest labels, {_CYCLES:,} cycles: blocked by any gate", sum(map(bool, found)),
                _CYCLES, at_most=0.08),
        *(counted(f"the same, by `{gate}`", by_gate[gate], _CYCLES) for gate in (
            "label_agreement", "label_distribution", "golden_agreement", "golden_set_regression",
            "calibration_regression", "slices")),
    ]  # fmt: skip
    for n, error, at_least in ((30, _ERROR, 0.85), (30, 0.05, None), (60, 0.05, None)):
        seen = sum(flipped_is_seen(np.random.default_rng((10, n, i)), n, error) for i in range(_CYCLES))
        what = f"30 % of a class flipped, {n} drawn labels of each class, {error:.0%} wrong besides: blocked"
        figures.append(counted(what, seen, _CYCLES, at_least=at_least))
    sample = answer(np.random.default_rng(0), 20_000)
    right = [each == sample.truth for each in sample.predicted]
    figures.append(counted("the simulated models: right", int(right[0].sum()), 20_000))
    figures.append(counted("the simulated models: one alone is right", int((right[0] != right[1]).sum()), 20_000))
    return Measured(tuple(figures))
