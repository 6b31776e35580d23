"""Intervals cover what they promise to cover."""

import numpy as np
import pytest
from scipy.stats import binomtest

from ratchet.metrics.classification import count_confusion, f1_by_class, macro_f1, macro_f1_of
from ratchet.metrics.intervals import (
    bootstrap_interval,
    paired_bootstrap,
    paired_difference_interval,
    proportion_interval,
    smallest_excludable_share,
)


@pytest.mark.parametrize(("hits", "n"), [(0, 1), (1, 1), (0, 40), (3, 40), (37, 40), (40, 40), (190, 220)])
def test_the_interval_of_a_share_is_the_exact_one(hits: int, n: int) -> None:
    """Clopper-Pearson, as scipy computes it."""
    exact = binomtest(hits, n).proportion_ci(0.95, method="exact")
    assert proportion_interval(hits, n) == pytest.approx((exact.low, exact.high))


def test_the_bootstrap_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    """300 samples of 200 items from a known confusion law: the 95 % interval holds the true macro-F1 in 90 to 99 %."""
    law = np.array([[0.30, 0.03, 0.02], [0.04, 0.25, 0.03], [0.02, 0.05, 0.26]])
    true = float(macro_f1_of(law))
    generator = np.random.default_rng(1)
    covered = 0
    for seed in range(300):
        confusion = generator.multinomial(200, law.ravel()).reshape(3, 3)
        low, high = bootstrap_interval(confusion, macro_f1_of, f1_by_class, seed=seed).overall
        covered += low <= true <= high
    assert 270 <= covered <= 297


def test_the_multinomial_bootstrap_equals_resampling_the_items() -> None:
    """Drawing confusion matrices gives the interval that drawing items gives, within sampling error."""
    generator = np.random.default_rng(2)
    labels = generator.integers(0, 3, 150)
    predicted = np.where(generator.random(150) < 0.8, labels, generator.integers(0, 3, 150))
    fast = bootstrap_interval(count_confusion(predicted, labels, 3), macro_f1_of, f1_by_class).overall
    slow = []
    for _ in range(1000):
        take = generator.integers(0, 150, 150)
        slow.append(macro_f1(predicted[take], labels[take], 3))
    assert fast == pytest.approx(list(np.percentile(slow, (2.5, 97.5))), abs=0.015)


def test_a_model_compared_with_itself_differs_by_nothing_and_a_better_one_by_its_gain() -> None:
    """Pairing cancels the items' difficulty; the interval of a clear gain is above zero."""
    generator = np.random.default_rng(3)
    labels = generator.integers(0, 3, 300)
    worse = np.where(generator.random(300) < 0.7, labels, (labels + 1) % 3)
    better = np.where(generator.random(300) < 0.6, labels, worse)

    def statistic(predicted: np.ndarray, truth: np.ndarray) -> float:
        return macro_f1(predicted, truth, 3)

    assert paired_bootstrap(worse, worse, labels, statistic, resamples=50) == (0.0, [0.0, 0.0])
    gain, (low, high) = paired_bootstrap(better, worse, labels, statistic, resamples=300)
    assert 0 < low <= gain <= high


@pytest.mark.parametrize(("share", "n"), [(0.05, 59), (0.02, 149), (0.01, 299)])
def test_the_items_needed_to_exclude_a_loss_are_the_known_ones(share: float, n: int) -> None:
    """59, 149 and 299 items without a loss exclude 5, 2 and 1 %; one item fewer does not."""
    assert smallest_excludable_share(n) <= share < smallest_excludable_share(n - 1)


def test_no_items_exclude_nothing() -> None:
    """An empty set leaves every loss possible."""
    assert smallest_excludable_share(0) == 1.0


@pytest.mark.parametrize(
    ("only_first", "only_second"), [(0.02, 0.02), (0.10, 0.02), (0.005, 0.0), (0.3, 0.3), (0.0, 0.5)]
)
def test_the_paired_interval_covers_the_true_difference_at_least_as_often_as_it_says(
    only_first: float, only_second: float
) -> None:
    """2,000 samples of 120 items from a known law; a simple normal interval fails the third law, where few items
    differ."""
    draws = np.random.default_rng(5).multinomial(120, [only_first, only_second, 1 - only_first - only_second], 2000)
    held = [
        low <= only_second - only_first <= high
        for low, high in (paired_difference_interval(a, b, 120) for a, b, _ in draws)
    ]
    assert np.mean(held) >= 0.95


def test_the_paired_interval_has_a_side_and_narrows_with_the_items() -> None:
    """Swapping the two mirrors it; no differing item in n excludes a difference beyond what n items can show."""
    low, high = paired_difference_interval(4, 9, 100)
    assert paired_difference_interval(9, 4, 100) == pytest.approx((-high, -low))
    few, many = paired_difference_interval(0, 0, 100), paired_difference_interval(0, 0, 1000)
    assert many[1] - many[0] < (few[1] - few[0]) / 8
    assert paired_difference_interval(60, 2, 100)[1] < 0 < paired_difference_interval(2, 60, 100)[0]
