"""A threshold for acting keeps its promise on cases that nobody has seen, and is none where little is known."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.random import Generator

from ratchet.config.action import ActionLimit
from ratchet.config.spec import Label, Spec
from ratchet.metrics.acting import fit_acting_threshold, fit_actions
from ratchet.metrics.calibration import softmax
from ratchet.metrics.classification import Floats, Integers

NAMES = ("a", "b", "c")


def draw(generator: Generator, n: int, scale: float = 1.0) -> tuple[Floats, Integers]:
    """Probabilities of six classes, right in 94 % of cases; a scale over 1 makes them too sure."""
    logits = generator.normal(size=(n, 6)) * 1.45
    logits[np.arange(n), generator.integers(0, 6, n)] += 6.1
    truth = (softmax(logits).cumsum(axis=1) < generator.random((n, 1))).sum(axis=1).clip(max=5)
    return softmax(logits * scale), truth


@pytest.mark.parametrize("trials", [40, pytest.param(1000, marks=pytest.mark.faults)])
@pytest.mark.parametrize("scale", [1.0, 2.0], ids=["calibrated", "too sure"])
def test_the_promise_is_broken_by_at_most_one_draw_in_ten(scale: float, trials: int) -> None:
    """Judged on many other cases; from 500 labels it acts on most of them all the same."""
    fresh, truth = draw(np.random.default_rng(10_000), 300_000, scale)
    order = np.argsort(-fresh.max(axis=1))
    sure, wrong = fresh.max(axis=1)[order], (fresh.argmax(axis=1) != truth)[order]
    share = wrong.cumsum() / np.arange(1, len(wrong) + 1)
    broken, acted = 0, []
    for trial in range(trials):
        probabilities, labels = draw(np.random.default_rng(trial), 500, scale)
        found = fit_acting_threshold(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels, 0.05)
        taken = 0 if found.threshold is None else int(np.searchsorted(-sure, -found.threshold, side="right"))
        acted.append(taken / len(sure))
        broken += bool(taken and share[taken - 1] > 0.05)
    assert (broken <= 0.1 * trials, np.mean(acted) >= 0.8) == (True, True), (broken, np.mean(acted))


@pytest.mark.parametrize(
    ("n", "errors", "found"), [(44, 0, False), (45, 0, True), (45, 1, False), (77, 1, True), (0, 0, False)]
)
def test_forty_five_labels_without_an_error_show_five_percent(n: int, errors: int, found: bool) -> None:
    """At 90 %: .95^45 < .1, and one error takes 77."""
    right = np.arange(n) >= errors
    fit = fit_acting_threshold(np.full(n, 0.97), right, 0.05)
    assert (fit.threshold is not None, fit.needed, fit.n) == (found, 45, n)
    if found:
        assert fit.threshold is not None
        assert fit.threshold <= 0.97
        assert (fit.acted, fit.errors) == (n, errors)


def test_the_order_of_thresholds_does_not_follow_the_errors() -> None:
    """Errors among the surest alone: nothing below them is shown by going up from the other end."""
    confidence = np.r_[np.full(60, 0.999), np.full(60, 0.6)]
    right = np.r_[np.arange(60) >= 12, np.ones(60, bool)]
    assert fit_acting_threshold(confidence, right, 0.05).threshold is None


def spec_of(*actions: tuple[str, float], floor: float = 0.0) -> Spec:
    """Two labels that pay, and one that asks."""
    labels = (Label("a", action="pay", threshold=floor), Label("b", action="pay"), Label("c", action="ask"))
    return Spec("t", labels, action=tuple(ActionLimit(*action) for action in actions))


def answers(counts: Mapping[tuple[str, str, float], int]) -> tuple[Floats, Integers]:
    """Probabilities and truth of items: answer, truth and confidence, and how many."""
    rows, truth = [], []
    for (answer, label, confidence), n in counts.items():
        row = np.full(3, (1 - confidence) / 2)
        row[NAMES.index(answer)] = confidence
        rows += [row] * n
        truth += [NAMES.index(label)] * n
    return np.array(rows).reshape(-1, 3), np.array(truth, dtype=np.int64)


WELL = {("a", "a", 0.95): 60, ("b", "b", 0.95): 60, ("c", "c", 0.95): 20}
PAY, ASK = ("pay", 0.05), ("ask", 0.05)
FITTED: dict[str, tuple[Spec, Mapping[tuple[str, str, float], int], dict[str, float], set[str], str]] = {
    "an action of two labels": (spec_of(PAY), WELL, {}, {"a", "b"}, "at most 5.0% are wrong, shown on 120 of 120"),
    "one with too few labels": (spec_of(ASK), WELL, {}, set(), "shown by 20 drawn labels (45 without an error are"),
    "the one of live stays": (spec_of(ASK), WELL, {"c": 0.9}, {"c"}, "the old one stays, that of live"),
    "two actions share the error": (spec_of(PAY, ASK), WELL, {}, {"a", "b"}, "shown on 120 of 120"),
    "too many are wrong": (
        spec_of(PAY), {("a", "b", 0.95): 30, ("a", "a", 0.95): 100}, {}, set(), "too many of them are wrong"
    ),
    "below the floor nothing is done": (
        spec_of(PAY, floor=0.9), {**WELL, ("a", "b", 0.7): 60}, {}, {"a", "b"}, "shown on 120 of 120"
    ),
    "no labels": (spec_of(PAY), {}, {}, set(), "shown by 0 drawn labels"),
    "no promise": (spec_of(), WELL, {"a": 0.9}, set(), ""),
}  # fmt: skip


@pytest.mark.parametrize("case", FITTED)
def test_each_action_is_fitted_on_its_own_answers(case: str) -> None:
    """The labels that get a threshold, and what is said."""
    spec, counts, former, named, said = FITTED[case]
    thresholds, records = fit_actions(*answers(counts), NAMES, spec, former)
    assert set(thresholds) == named
    remarks: Any = [record["remark"] for record in records]
    assert len(records) == len(spec.action)
    assert not said or any(said in remark for remark in remarks), remarks
    if "one of live" in case:
        assert thresholds == former
