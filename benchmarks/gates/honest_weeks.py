"""Row 10: honest weeks: each gate that decides by chance on an equal candidate, and a class with a third flipped.

A week has 200 randomly drawn labels of people who err in 2 %, 40 of them by a second one as well, 200 golden items,
2,000 examples in train and eight weeks of before. Candidate and live know the same and err each for itself: they agree
with 92 % of the labels.
"""

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.random import Generator

from benchmarks.gates.distribution import decide_mix
from benchmarks.gates.figures import Figure, Measured, counted
from benchmarks.gates.models import (
    ERROR,
    LABELS,
    Answers,
    Integers,
    K,
    answer,
    answer_complaints,
    answer_on,
    misread,
    name,
)
from ratchet.config.policy import ExportPolicy, Limits
from ratchet.config.slices import Slices
from ratchet.deployment.exports.parity import compare_answers, decide_parity
from ratchet.gates.beats_baselines import decide_baselines
from ratchet.gates.calibration_regression import decide_calibration
from ratchet.gates.golden_agreement import decide_golden_agreement
from ratchet.gates.golden_anchor import Anchor
from ratchet.gates.golden_set_regression import GoldenAnswer, decide_regression
from ratchet.gates.label_agreement import decide_agreement
from ratchet.gates.paired_answers import PairedAnswer
from ratchet.gates.slices import decide_slices
from ratchet.metrics.agreement import measure_agreement
from ratchet.metrics.calibration import softmax
from ratchet.metrics.classification import macro_f1

_CYCLES = 600
_DRAWN, _DOUBLES, _GOLDEN, _TRAIN, _WEEKS = 200, 40, 200, 2000, 8


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
            split, LABELS[label], LABELS[mine[i]], LABELS[theirs[i]], float(p[i, label]), float(live_p[i, label]),
            LABELS[theirs[i]], {"channel": str(channel[i])},
        )  # fmt: skip


def export_outcome(generator: Generator, n: int = 500) -> str:
    """Return the verdict on an export as good as its adapter: its logits are rounded, and 1 % of answers change."""
    adapter = answer(generator, n, 1)
    logits = np.log(adapter.probabilities[0])
    rounded = logits + 0.2 * generator.normal(size=logits.shape)
    found = compare_answers((logits, adapter.probabilities[0]), (rounded, softmax(rounded)), adapter.truth)
    return decide_parity(found, ExportPolicy()).outcome


def baselines_outcome(test: Answers, labels: Integers) -> str:
    """Return the verdict on the candidate beside a constant answer, an untuned base and simple models of 85 %."""
    reached, constant = (macro_f1(each, labels, K) for each in (test.predicted[0], np.zeros_like(labels)))
    figures = {"majority": constant, "base_model": 1 / K, "tfidf_logreg": 0.85, "linear_probe": 0.85}
    support = dict(zip(LABELS, np.bincount(labels, minlength=K).tolist(), strict=True))
    return decide_baselines(reached, {each: {"macro_f1": f1} for each, f1 in figures.items()}, support=support).outcome


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
    mix = np.bincount(labels, minlength=K)
    outcomes = {
        "label_agreement": decide_agreement(measure_agreement(doubles, LABELS), limits).outcome,
        "label_distribution": decide_mix(generator.multinomial(_TRAIN, [1 / K] * K), mix),
        "golden_agreement": decide_golden_agreement(rows, served, then).outcome,
        "golden_set_regression": decide_regression(kept, limits, anchor).outcome,
        "calibration_regression": decide_calibration(pairs, limits.max_nll_rise).outcome,
        "beats_baselines": baselines_outcome(test, labels),
        "target_fit": export_outcome(generator),
        "slices": decide_slices(pairs, Slices(("channel",)), limits.max_golden_loss).outcome,
    }
    return [gate for gate, outcome in outcomes.items() if outcome == "failed"]


def blocked_by_complaints(weight: float, weeks: int) -> int:
    """Return how many honest weeks any gate blocks where complaints weigh `weight`."""
    return sum(bool(blocking_gates(np.random.default_rng((5, i)), weight)) for i in range(weeks))


def flipped_is_seen(generator: Generator, per_class: int, error: float) -> bool:
    """Return True where `golden_agreement` blocks a week that flipped 30 % of the labels of one class."""
    truth = np.repeat(np.arange(K), per_class)
    test = answer_on(generator, truth)
    labels = misread(generator, truth, error)
    flipped = (truth == 0) & (generator.random(len(truth)) < 0.30)
    labels = np.where(flipped, 1, labels)
    before, golden = answer_on(generator, np.repeat(truth, _WEEKS)), answer(generator, _GOLDEN)
    then = count_rows("test", misread(generator, before.truth, error), before.predicted[0])
    rows = [
        *count_rows("test", labels, test.predicted[0], test.predicted[1]),
        *count_rows("golden", golden.truth, golden.predicted[0]),
    ]
    return decide_golden_agreement(rows, dict(Counter(name(test.predicted[1]))), then).outcome == "failed"


def measure_honest_weeks() -> Measured:
    """Return row 10."""
    found = [blocking_gates(np.random.default_rng((10, i))) for i in range(_CYCLES)]
    by_gate = Counter(gate for gates in found for gate in gates)
    figures: list[Figure] = [
        counted(f"equal candidate, honest labels, {_CYCLES:,} cycles: blocked by any gate", sum(map(bool, found)),
                _CYCLES, at_most=0.08),
        *(counted(f"the same, by `{gate}`", by_gate[gate], _CYCLES) for gate in (
            "label_agreement", "label_distribution", "target_fit", "beats_baselines", "golden_agreement",
            "golden_set_regression",
            "calibration_regression", "slices")),
    ]  # fmt: skip
    for n, error, at_least in ((30, ERROR, 0.85), (30, 0.05, None), (60, 0.05, None)):
        seen = sum(flipped_is_seen(np.random.default_rng((10, n, i)), n, error) for i in range(_CYCLES))
        what = f"30 % of a class flipped, {n} drawn labels of each class, {error:.0%} wrong besides: blocked"
        figures.append(counted(what, seen, _CYCLES, at_least=at_least))
    sample = answer(np.random.default_rng(0), 20_000)
    right = [each == sample.truth for each in sample.predicted]
    figures.append(counted("the simulated models: right", int(right[0].sum()), 20_000))
    figures.append(counted("the simulated models: one alone is right", int((right[0] != right[1]).sum()), 20_000))
    return Measured(tuple(figures))
