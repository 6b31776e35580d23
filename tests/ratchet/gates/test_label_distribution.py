"""Training labels are compared with corrected production, and a missing class never passes."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import entropy

from ratchet.gates.label_distribution import (
    CONSENSUS_COUNTS_SQL,
    SERVED_SQL,
    decide_distribution,
    jensen_shannon_distance,
)
from ratchet.ingest.rebuild import open_warehouse
from ratchet.storage.home import Home

LABELS = ("a", "b", "c")


def test_the_distance_is_that_of_its_definition() -> None:
    """0 for equal shares of any size, 1 for disjoint ones, else the root of the divergence in bits."""
    assert jensen_shannon_distance([1, 2, 3], [10, 20, 30]) == pytest.approx(0.0, abs=1e-7)
    assert jensen_shannon_distance([5, 0], [0, 9]) == pytest.approx(1.0)
    p, q = np.array([0.2, 0.8]), np.array([0.6, 0.4])
    middle = (p + q) / 2
    assert jensen_shannon_distance(p, q) == pytest.approx(
        ((entropy(p, middle, base=2) + entropy(q, middle, base=2)) / 2) ** 0.5
    )


def test_equal_shares_never_give_a_distance_that_is_no_number() -> None:
    """Rounding under the root: 500 random counts against a multiple of themselves."""
    generator = np.random.default_rng(0)
    for _ in range(500):
        counts = generator.integers(1, 1000, generator.integers(2, 30))
        assert 0 <= jensen_shannon_distance(counts, counts * int(generator.integers(1, 9))) < 1e-6


@pytest.mark.parametrize(
    ("train", "production", "outcome", "said"),
    [
        ({"a": 50, "b": 30, "c": 20}, {"a": 5, "b": 3, "c": 2}, "passed", "limit 0.2"),
        ({"a": 50, "b": 30, "c": 20}, {"a": 10, "b": 0, "c": 0}, "failed", "widest at a"),
        ({"a": 90, "b": 5, "c": 5}, {"a": 30, "b": 40, "c": 30}, "failed", "widest at a (+60.0%)"),
        ({"a": 50, "b": 50}, {"a": 5, "b": 5}, "failed", "no training example for c"),
        ({"a": 50, "b": 50, "c": 0}, {}, "failed", "no training example for c"),
        ({"a": 5, "b": 5, "c": 5}, {}, "inconclusive", "no corrected production"),
        ({"a": 5, "b": 5, "c": 5}, {"z": 9}, "inconclusive", "no corrected production"),
    ],
)
def test_a_missing_class_or_a_wide_distance_fails(
    train: dict[str, int], production: dict[str, int], outcome: str, said: str
) -> None:
    """With the counts as evidence; an empty week has no verdict."""
    verdict = decide_distribution(train, production, LABELS, 0.2)
    assert verdict.outcome == outcome
    assert said in verdict.reason
    assert json.dumps(verdict.evidence, allow_nan=False)


def test_a_distance_at_the_limit_passes() -> None:
    """The limit itself is allowed."""
    distance = jensen_shannon_distance([3, 1, 1], [1, 3, 1])
    for limit, outcome in ((distance, "passed"), (distance - 1e-9, "failed")):
        assert decide_distribution({"a": 3, "b": 1, "c": 1}, {"a": 1, "b": 3, "c": 1}, LABELS, limit).outcome == outcome


def test_the_queries_count_one_week_of_one_classifier(tmp_path: Path) -> None:
    """Served labels and agreed labels; what waits for adjudication is not counted."""
    warehouse, week = open_warehouse(Home(tmp_path), "tickets"), date(2026, 2, 23)
    with warehouse.connect() as connection:
        for name, day, label, confidence in (
            ("r1", week, "a", 0.5),
            ("r2", week, "a", None),
            ("r3", date(2026, 2, 16), "b", 0.1),
        ):
            connection.execute(
                "INSERT INTO production_logs VALUES ('tickets', ?, ?, 'x', ?, ?, NULL, NULL, NULL, ?)",
                [name, datetime(2026, 2, 24, tzinfo=UTC), label, confidence, day],
            )
            connection.execute(
                "INSERT INTO labels VALUES ('tickets', ?, ?, ?, 'consensus', 1, 1, 1, true)", [day, name, label]
            )
        connection.execute(
            "INSERT INTO labels VALUES ('tickets', ?, 'r9', NULL, 'adjudicate', 2, 1, 0.5, false)", [week]
        )
    key = {"classifier": "tickets", "week": week}
    assert warehouse.frame(SERVED_SQL, key).to_dict("records") == [
        {"label": "a", "requests": 2, "with_confidence": 0.5, "mean_confidence": 0.5}
    ]
    assert warehouse.frame(CONSENSUS_COUNTS_SQL, key).to_dict("records") == [{"label": "a", "n": 2}]
