"""Who differs from all others is named, and nobody who was only asked beside them."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.random import Generator
from scipy.stats import fisher_exact

from ratchet.metrics.annotator_pairs import AnnotatorPairs, find_differing, measure_pairs

LABELS = [f"l{i}" for i in range(6)]
HONEST = 0.95


def make_doubles(generator: Generator, people: int, n: int, random_one: bool, each: int = 2) -> pd.DataFrame:
    """`n` requests with labels of `each` people drawn from `people`, of whom p0 may answer at random."""
    rows = []
    for request in range(n):
        truth = generator.integers(6)
        for person in generator.choice(people, each, replace=False):
            right = generator.random() < HONEST and not (random_one and person == 0)
            said = truth if right else generator.integers(6)
            rows.append((f"r{request}", f"p{person}", LABELS[said]))
    return pd.DataFrame(rows, columns=["request_id", "annotator", "label"])


def names_of(found: AnnotatorPairs, limit: float = 0.9) -> list[str]:
    """Names of those who differ."""
    return [found.names[each.annotator] for each in find_differing(found.pairs, limit)]


@pytest.mark.parametrize("trials", [25, pytest.param(1000, marks=pytest.mark.faults)])
def test_one_random_annotator_of_five_is_named_and_no_other(trials: int) -> None:
    """At 50 doubles; honest people are named neither beside that one nor among themselves, two or three on each."""
    seen = blamed = 0
    for trial in range(trials):
        generator = np.random.default_rng(trial)
        named = names_of(measure_pairs(make_doubles(generator, 5, 50, True), LABELS))
        seen += "p0" in named
        blamed += bool(set(named) - {"p0"})
        blamed += bool(names_of(measure_pairs(make_doubles(generator, 5, 50, False, each=2 + trial % 2), LABELS)))
    assert (seen >= 0.95 * trials, blamed <= max(1, 0.01 * 2 * trials)) == (True, True), (seen, blamed)


def test_the_worst_is_taken_out_before_the_rest_are_compared() -> None:
    """Two who answer at random are both named; their honest colleagues, half of whose pairs are with them, are not."""
    generator = np.random.default_rng(5)
    doubles = make_doubles(generator, 6, 400, True)
    twice = doubles["annotator"] == "p1"
    doubles.loc[twice, "label"] = generator.choice(LABELS, int(twice.sum()))
    assert sorted(names_of(measure_pairs(doubles, LABELS))) == ["p0", "p1"]


PEOPLE: dict[str, tuple[list[tuple[str, ...]], float, list[str]]] = {
    "two annotators cannot be told apart": ([("a", "b")] * 30 + [("a", "a")] * 10, 0.9, []),
    "nobody at all": ([], 0.9, []),
    "one label alone": ([("a",)] * 9, 0.9, []),
    "who agrees less than very good colleagues": ([("a", "a", "a")] * 450 + [("b", "a", "a")] * 30, 0.9, []),
    "the same under a limit that they miss": ([("a", "a", "a")] * 450 + [("b", "a", "a")] * 30, 0.99, ["p0"]),
    "labels that are not listed": ([("x", "a", "a")] * 90, 0.9, []),
}


@pytest.mark.parametrize("case", PEOPLE)
def test_nobody_is_named_without_a_reason(case: str) -> None:
    """By the table: the labels of each request by person, the limit of agreement, and who is named."""
    said, limit, named = PEOPLE[case]
    rows = [(f"r{i}", f"p{j}", label) for i, labels in enumerate(said) for j, label in enumerate(labels)]
    doubles = pd.DataFrame(rows, columns=["request_id", "annotator", "label"])
    assert names_of(measure_pairs(doubles, ["a", "b"]), limit) == named


def test_each_one_is_compared_by_the_exact_test_of_fisher() -> None:
    """With whole counts the p-value is the library's own, of pairs with that one against pairs of the others."""
    pairs = [[0, 1, 5, 20], [0, 2, 7, 20], [1, 2, 36, 40]]
    found = find_differing(pairs, 0.9)
    assert [(each.annotator, each.agreed, each.n, each.others_agreed, each.others_n) for each in found] == [
        (0, 12, 40, 36, 40)
    ]
    assert found[0].p == pytest.approx(fisher_exact([[12, 28], [36, 4]], alternative="less").pvalue)


def test_a_request_of_three_counts_as_two_pairs() -> None:
    """Its three pairs are not free of each other; numbers follow agreement, not names."""
    rows: list[Any] = [(f"r{i}", who, label) for i in range(3) for who, label in (("z", "a"), ("m", "a"), ("b", "b"))]
    found = measure_pairs(pd.DataFrame(rows, columns=["request_id", "annotator", "label"]), ["a", "b"])
    assert found.names == ("b", "m", "z")
    assert found.pairs == ((0, 1, 0.0, 2.0), (0, 2, 0.0, 2.0), (1, 2, 2.0, 2.0))
