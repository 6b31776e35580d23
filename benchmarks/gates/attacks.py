"""Row 11: attacks: those that follow from identity, and statistical ones beside the power computed for them."""

from dataclasses import replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.gates.figures import Curve, Figure, Measured, Plot, agrees, counted
from benchmarks.gates.honest_weeks import pair_up
from benchmarks.gates.models import Answers, answer, name
from ratchet.config.policy import Limits
from ratchet.config.slices import Slices
from ratchet.gates.calibration_regression import decide_calibration
from ratchet.gates.candidate_identity import find_changed_report, find_copy, find_stale_weights
from ratchet.gates.golden_set_regression import GoldenAnswer, decide_regression
from ratchet.gates.paired_answers import PairedAnswer
from ratchet.gates.slices import SLICES_ALPHA, decide_slices
from ratchet.metrics.paired_difference import power_of_loss

_TRIALS = 400
_SLICES, _LOSS, _CHURN = 10, 0.05, 0.10
Floats = NDArray[np.float64]


def sharpen(probabilities: Floats, factor: float) -> Floats:
    """Return the probabilities as if each logit were multiplied by `factor`: no answer changes."""
    logits = factor * np.log(np.maximum(probabilities, 1e-300))
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def temperature_is_seen(generator: Generator, n: int, temperature: float) -> bool:
    """Return True where a candidate of another temperature (3: too unsure, 1/3: too sure) is blocked on `n` items."""
    golden = answer(generator, n)
    mine, *others = golden.probabilities
    attacked = Answers(golden.truth, (sharpen(mine, 1 / temperature), *others))
    pairs = list(pair_up(generator, "golden", golden.truth, attacked))
    return decide_calibration(pairs, Limits().max_nll_rise).outcome == "failed"


def slice_items(generator: Generator, n: int, loss: float) -> list[PairedAnswer]:
    """Return items of ten slices of `n` each, of which the first is worse by `loss`."""
    items = []
    for column in range(_SLICES):
        lost = (_CHURN + (loss if column == 0 else 0.0)) / 2
        kinds = generator.random(n)
        for kind in kinds:
            mine, live = ("b", "a") if kind < lost else ("a", "b") if kind < _CHURN else ("a", "a")
            items.append(PairedAnswer("test", "a", mine, live, 0.9, 0.9, "a", {"channel": str(column)}))
    return items


def slice_is_seen(generator: Generator, n: int, loss: float = _LOSS) -> bool:
    """Return True where the gate names the one slice that is worse; labels are one slice, too, and are not it."""
    verdict = decide_slices(slice_items(generator, n, loss), Slices(("channel",)), Limits().max_golden_loss)
    return "channel 0" in verdict.evidence.get("lost", ())


def golden_blocks(generator: Generator, attacked: Answers) -> bool:
    """Return True where the golden set blocks the first model of `attacked` against the second."""
    rows = zip(*(name(part) for part in (attacked.truth, *attacked.predicted[:2])), strict=True)
    answers = [GoldenAnswer(str(i), *row) for i, row in enumerate(rows)]
    return decide_regression(answers, Limits()).outcome == "failed"


def random_head(generator: Generator, n: int) -> bool:
    """Return True where a head that was initialised again is blocked."""
    golden = answer(generator, n)
    mine = generator.permuted(golden.probabilities[0], axis=1)
    return golden_blocks(generator, replace(golden, probabilities=(mine, *golden.probabilities[1:])))


def swapped_classes(generator: Generator, n: int) -> bool:
    """Return True where a model that takes two of six labels for each other is blocked."""
    golden = answer(generator, n)
    mine = golden.probabilities[0][:, [1, 0, 2, 3, 4, 5]]
    return golden_blocks(generator, replace(golden, probabilities=(mine, *golden.probabilities[1:])))


def identity_attacks(generator: Generator) -> bool:
    """Return True where a copy, old weights and a changed report are each stopped, and honest ones are not."""
    live, other = (bytes(generator.integers(256, size=32, dtype=np.uint8)).hex() for _ in range(2))
    stopped = find_copy(0.0, live), find_stale_weights(live, {other: live}), find_changed_report(live, other)
    honest = (
        find_copy(float(generator.uniform(1e-5, 1)), live),
        find_stale_weights(live, {live: other}),
        find_changed_report(live, live),
    )
    return all(stopped) and not any(honest)


def measure_attacks() -> Measured:
    """Return row 11."""

    def seen(key: int, play: object, *args: object, **words: object) -> int:
        return sum(bool(play(np.random.default_rng((11, key, i)), *args, **words)) for i in range(_TRIALS))  # type: ignore[operator]

    figures: list[Figure] = [
        counted("copy, old weights under a new name, changed report: stopped, and honest ones not",
                seen(0, identity_attacks), _TRIALS, at_least=1.0),
        counted("T = 3 (too unsure), 200 items: blocked", seen(1, temperature_is_seen, 200, 3.0), _TRIALS,
                at_least=0.95),
        counted("T = 1/3 (three times too sure), 200 items: blocked", seen(2, temperature_is_seen, 200, 1 / 3),
                _TRIALS),
        counted("head initialised again, 200 items: blocked", seen(3, random_head, 200), _TRIALS, at_least=1.0),
        counted("two of six labels taken for each other, 200 items: blocked", seen(4, swapped_classes, 200),
                _TRIALS, at_least=0.95),
    ]  # fmt: skip
    powers = {}
    for n in (60, 200, 500):
        computed = power_of_loss(n, _CHURN, _LOSS, SLICES_ALPHA / (_SLICES + 1))
        hits = seen(n, slice_is_seen, n)
        powers[n] = 100 * hits / _TRIALS
        figures.append(agrees(f"one of ten slices 5 points worse, {n} items in it: named", hits, _TRIALS, computed))
    plot = Plot("slices", "One of ten slices that is 5 points worse is named", "items in the slice", "% of cycles",
                (Curve("simulated", tuple(powers.items())),))  # fmt: skip
    return Measured(tuple(figures), (plot,))
