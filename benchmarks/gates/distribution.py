"""Row 8: the mix of labels: warned of by chance, warned of a real shift, and blocked for a label that train lacks."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.gates.figures import Curve, Figure, Measured, Plot, counted
from ratchet.config.policy import Limits
from ratchet.gates.label_distribution import decide_distribution, jensen_shannon_distance

_LIMIT = Limits().max_label_divergence
_TRIALS = 250
_SIZES = (30, 100, 400)
_TRAIN = {6: 500, 30: 1000, 77: 5000}
_WEEKS = 2000
"""Examples of train where a shift is to be seen: some weeks of labels."""


def decide_mix(train: NDArray[np.int64], production: NDArray[np.int64]) -> str:
    """Return the product's outcome; where the distance itself is below the limit and nothing lacks, it passes anyway,
    and its bootstrap is left out."""
    if train.all() and jensen_shannon_distance(train, production) <= _LIMIT:
        return "passed"
    labels = [f"l{i:02d}" for i in range(len(train))]
    ours, theirs = (dict(zip(labels, counts.tolist(), strict=True)) for counts in (train, production))
    return decide_distribution(ours, theirs, labels, _LIMIT, labels).outcome


def same_mix(generator: Generator, k: int, n: int) -> str:
    """Return the outcome of a week of `n` labels from the mix of train, which is even, skewed or any."""
    kind = generator.integers(3)
    rank = 1 / np.arange(1, k + 1)
    mix = np.full(k, 1 / k) if kind == 0 else rank / rank.sum() if kind == 1 else generator.dirichlet(np.full(k, 3.0))
    return decide_mix(generator.multinomial(_TRAIN[k], mix), generator.multinomial(n, mix))


def moved_mix(generator: Generator, k: int, train: int, n: int) -> str:
    """Return the outcome of a week in which one label went from 5 to 15 %."""
    rest = generator.dirichlet(np.full(k - 1, 3.0))
    before, now = np.append(0.95 * rest, 0.05), np.append(0.85 * rest, 0.15)
    return decide_mix(generator.multinomial(train, before), generator.multinomial(n, now))


def lacking_label(generator: Generator, share: float, n: int) -> str:
    """Return the outcome where train lacks one of six labels, which live answers and which is `share` of production."""
    rest = generator.dirichlet(np.full(5, 3.0))
    train = np.append(generator.multinomial(500, rest), 0)
    return decide_mix(train, generator.multinomial(n, np.append((1 - share) * rest, share)))


def measure_distribution() -> Measured:
    """Return row 8."""
    figures: list[Figure] = []
    curves = []
    for k in _TRAIN:
        found = {}
        for n in _SIZES:
            outcomes = [same_mix(np.random.default_rng((k, n, i)), k, n) for i in range(_TRIALS)]
            found[n] = sum(each in {"warned", "failed"} for each in outcomes)
        worst = max(found, key=lambda n: found[n])
        figures.append(counted(f"the same mix, {k} labels, worst of {_SIZES[0]} to {_SIZES[-1]} (at {worst}): warned",
                               found[worst], _TRIALS, at_most=0.02))  # fmt: skip
        curves.append(Curve(f"{k} labels", tuple((n, 100 * hits / _TRIALS) for n, hits in found.items())))
    for k, train, at_least in ((6, _WEEKS, 0.90), (11, _WEEKS, 0.90), (6, 500, None), (11, 500, None)):
        weeks = (moved_mix(np.random.default_rng((k, train, i)), k, train, 400) for i in range(_TRIALS))
        seen = sum(outcome == "warned" for outcome in weeks)
        what = f"{k} labels, {train:,} in train, one from 5 to 15 %, 400 labels: warned"
        figures.append(counted(what, seen, _TRIALS, at_least=at_least))
    blocked = sum(lacking_label(np.random.default_rng((9, i)), 0.15, 200) == "failed" for i in range(_TRIALS))
    figures.append(
        counted(
            "a label of 15 % that live answers and train lacks, 200 labels: blocked", blocked, _TRIALS, at_least=1.0
        )
    )
    plot = Plot(
        "distribution_by_chance", "Warned of the same mix", "labels of the week", "% of weeks", tuple(curves), 2.0
    )
    return Measured(tuple(figures), (plot,))
