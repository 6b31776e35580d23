"""Row 9: agreement: honest annotators who are blocked, and one who answers at random among five."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.gates.figures import Curve, Figure, Measured, Plot, counted
from ratchet.config.policy import Limits
from ratchet.core.verdict import Verdict
from ratchet.gates.label_agreement import decide_agreement
from ratchet.metrics.agreement import measure_agreement
from ratchet.metrics.annotator_pairs import measure_pairs

_TRIALS, _ERROR = 300, 0.05
_LABELS = tuple(f"l{i}" for i in range(6))
_SKEWED = (0.5, 0.2, 0.15, 0.08, 0.05, 0.02)
_SIZES = (20, 100, 500)


def draw_doubles(generator: Generator, n: int, mix: Sequence[float], people: int, random: int = 0) -> pd.DataFrame:
    """Return `n` requests that two of `people` labelled each; the first `random` of them answer at random."""
    true = generator.choice(len(mix), n, p=mix)
    given = np.array([generator.permutation(people)[:2] for _ in range(n)])
    rows = []
    for column in (0, 1):
        other = (true + generator.integers(1, len(mix), n)) % len(mix)
        honest = np.where(generator.random(n) < _ERROR, other, true)
        label = np.where(given[:, column] < random, generator.integers(0, len(mix), n), honest)
        rows.append(_frame(given[:, column], label))
    return pd.concat(rows, ignore_index=True)


def _frame(annotator: NDArray[np.int64], label: NDArray[np.int64]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "request_id": np.arange(len(label)),
            "annotator": [f"p{i}" for i in annotator],
            "label": np.array(_LABELS)[label],
        }
    )


def judge(doubles: pd.DataFrame) -> tuple[Verdict, list[str]]:
    """Return the verdict on the doubles, and the names of those who differ from all others."""
    verdict = decide_agreement(measure_agreement(doubles, _LABELS), Limits())
    names = measure_pairs(doubles, _LABELS).names
    return verdict, [names[each["annotator"]] for each in verdict.evidence.get("differing", ())]


def measure_doubles() -> Measured:
    """Return row 9."""
    blocked = {}
    for mix in ((1 / 6,) * 6, _SKEWED):
        for n in _SIZES:
            weeks = (judge(draw_doubles(np.random.default_rng((9, n, i)), n, mix, 2))[0] for i in range(_TRIALS))
            blocked[mix[0], n] = sum(verdict.outcome == "failed" for verdict in weeks)
    worst = max(blocked, key=lambda key: blocked[key])
    what = f"two annotators of 5 % error, {_SIZES[0]} to {_SIZES[-1]} doubles, even and skewed labels, worst: blocked"
    figures: list[Figure] = [counted(what, blocked[worst], _TRIALS, at_most=0.01)]
    named: dict[int, tuple[int, int]] = {}
    for n in (30, 50, 100, 200):
        seeds = [np.random.default_rng((9, 5, n, i)) for i in range(_TRIALS)]
        found = [judge(draw_doubles(seed, n, (1 / 6,) * 6, 5, 1))[1] for seed in seeds]
        named[n] = sum("p0" in each for each in found), sum(bool(set(each) - {"p0"}) for each in found)
    honest = [judge(draw_doubles(np.random.default_rng((9, 6, i)), 50, (1 / 6,) * 6, 5))[1] for i in range(_TRIALS)]
    figures += [
        counted("one of five answers at random, 50 doubles in all: named", named[50][0], _TRIALS, at_least=0.95),
        counted("the same: an honest one is named beside", named[50][1], _TRIALS, at_most=0.01),
        counted("the same at 200 doubles: an honest one is named beside", named[200][1], _TRIALS, at_most=0.01),
        counted("five honest ones, 50 doubles: anyone is named", sum(map(bool, honest)), _TRIALS, at_most=0.01),
    ]
    curve = Curve("named", tuple((n, 100 * hits / _TRIALS) for n, (hits, _) in named.items()))
    plot = Plot("random_annotator", "One of five who answers at random is named", "doubles in all", "% of weeks",
                (curve,), 95.0)  # fmt: skip
    return Measured(tuple(figures), (plot,))
