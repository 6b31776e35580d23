"""Confidences that mislead are seen though no answer differs; those of an equal model pass."""

import numpy as np
import pytest

from ratchet.gates.calibration_regression import CALIBRATION_ALPHA, decide_calibration
from ratchet.gates.paired_answers import PairedAnswer
from ratchet.metrics.calibration import softmax

LABELS = "abcdef"


def answers(
    n: int, temperature: float, seed: int = 0, *, split: str = "golden", served: str | None = None
) -> list[PairedAnswer]:
    """Answers of a calibrated live model of 90 % accuracy, and of the same scores over a temperature."""
    rng = np.random.default_rng(seed)
    logits = 9 * rng.standard_normal((n, 6))
    p, q = softmax(logits), softmax(logits, temperature)
    truth = (p.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    return [
        PairedAnswer(split, LABELS[t], LABELS[q[i].argmax()], LABELS[p[i].argmax()], q[i, t], p[i, t], served)
        for i, t in enumerate(truth)
    ]


def seen(n: int, temperature: float, draws: int) -> float:
    """Share of draws in which the gate fails."""
    return float(np.mean([not decide_calibration(answers(n, temperature, seed), 0.02).passed for seed in range(draws)]))


CASES = {
    "the same confidences": (answers(200, 1.0), "passed", "NLL +0.000 against live on 200 items"),
    "three times too flat": (answers(200, 3.0), "failed", "Its confidences mislead"),
    "a little too flat": (answers(200, 1.4), "inconclusive", "neither within the limit nor over it"),
    "few items": (answers(19, 3.0), "inconclusive", "19 items are too few"),
    "no live adapter": ([], "inconclusive", "no live adapter"),
    "a test of live's errors alone": (
        answers(200, 3.0, split="test", served="none of them"), "inconclusive", "0 items are too few",
    ),
    "errors beside a golden set": (
        [*answers(60, 1.0), *answers(200, 3.0, split="test", served="none of them")], "passed", "on 60 items",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_confidences_are_judged_item_by_item_against_live(case: str) -> None:
    """Golden and test count together; no answer has to change for a verdict."""
    found, outcome, words = CASES[case]
    verdict = decide_calibration(found, 0.02)
    assert (verdict.outcome, words in verdict.reason) == (outcome, True), verdict.reason


def test_a_label_that_live_cannot_give_hides_nothing() -> None:
    """Such items are left out and counted; a candidate that gives a true label no chance is not spared."""
    known = answers(100, 1.0)
    verdict = decide_calibration(
        [*known, *(PairedAnswer("golden", "new", "new", "a", 0.9, 0.0) for _ in range(50))], 0.02
    )
    assert verdict.outcome == "passed"
    assert verdict.evidence["parts"]["golden"]["left_out"] == 50
    blind = [PairedAnswer("golden", "a", "b", "a", 0.0, 0.9) for _ in range(30)]
    assert decide_calibration([*known, *blind], 0.02).outcome == "failed"


def test_a_temperature_of_three_is_seen_in_nearly_every_draw_of_two_hundred() -> None:
    """As often as the docs say: 95 % from 200 items."""
    assert seen(200, 3.0, 60) >= 0.9


@pytest.mark.faults
def test_error_and_power_over_many_draws() -> None:
    """95 % from 200 items; an equal model, which errs elsewhere, is blocked no more often than alpha says."""
    assert seen(200, 3.0, 1000) >= 0.95
    assert seen(200, 1.0, 200) == 0
    rng = np.random.default_rng(1)
    blocked = 0
    for _ in range(2000):
        truth = 12 * rng.standard_normal((200, 6))
        first, second = (softmax((truth + 2 * rng.standard_normal((200, 6))) / 1.82) for _ in range(2))
        label = (softmax(truth).cumsum(axis=1) > rng.random((200, 1))).argmax(axis=1)
        found = [PairedAnswer("golden", "a", "a", "a", first[i, t], second[i, t]) for i, t in enumerate(label)]
        blocked += not decide_calibration(found, 0.02).passed
    assert blocked <= 2000 * CALIBRATION_ALPHA + 6
