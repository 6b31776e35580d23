"""Training labels are compared with corrected production: a missing class blocks, a shift of the mix warns."""

import json
import shutil
import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import entropy

from ratchet.gates.label_distribution import (
    CONSENSUS_COUNTS_SQL,
    SERVED_SQL,
    decide_distribution,
    decide_from_evidence,
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


EVEN = {"a": 50, "b": 30, "c": 20}
DECIDED: dict[str, tuple[dict[str, int], dict[str, int], tuple[str, ...] | None, str, str]] = {
    "the same mix": (EVEN, {"a": 5, "b": 3, "c": 2}, LABELS, "passed", "0.000 without chance"),
    "six labels against twenty-five": ({"a": 10, "b": 9, "c": 6}, {"a": 1, "b": 4, "c": 1}, LABELS, "passed", "limit"),
    "a mix that turned over": ({"a": 90, "b": 5, "c": 5}, {"a": 30, "b": 40, "c": 30}, LABELS, "warned",
                               "a from 90.0 % to 30.0 %, b from 5.0 % to 40.0 %, c from 5.0 % to 30.0 %"),
    "a label that was left out": ({"a": 50, "b": 50}, {"a": 40, "b": 40, "c": 20}, LABELS, "failed",
                                  "no training example for c (20 of 100 production labels): live answers it"),
    "of a first cycle": ({"a": 50, "b": 50}, {"a": 40, "b": 40, "c": 20}, None, "failed", "needs every label"),
    "one in fifty is not clearly there": ({"a": 50, "b": 50}, {"a": 25, "b": 24, "c": 1}, LABELS, "warned", "hardly"),
    "nor one in forty": ({"a": 20, "b": 4}, {"a": 30, "b": 9, "c": 1}, LABELS, "warned", "hardly occurs"),
    "nor four in twenty": ({"a": 20, "b": 4}, {"a": 9, "b": 7, "c": 4}, LABELS, "warned", "hardly occurs"),
    "nor five in two hundred": ({"a": 9, "b": 9}, {"a": 99, "b": 96, "c": 5}, LABELS, "warned", "hardly occurs"),
    "nor fifteen in a thousand": ({"a": 9, "b": 9}, {"a": 500, "b": 485, "c": 15}, LABELS, "warned", "hardly occurs"),
    "five in a hundred are": ({"a": 9, "b": 9}, {"a": 50, "b": 45, "c": 5}, LABELS, "failed", "c (5 of 100"),
    "and so are one in fifty of a thousand": ({"a": 9, "b": 9}, {"a": 500, "b": 480, "c": 20}, LABELS, "failed",
                                              "c (20 of 1000"),
    "one in a hundred is not": ({"a": 50, "b": 50}, {"a": 50, "b": 49, "c": 1}, LABELS, "warned", "hardly occurs"),
    "nor is none": ({"a": 50, "b": 50}, {"a": 50, "b": 50}, None, "warned", "c, which hardly occurs in production"),
    "a new label that waits": ({"a": 50, "b": 50}, {"a": 42, "b": 42, "c": 16}, ("a", "b"), "warned",
                               "c, which live does not answer either"),
    "a retired label that live answers": ({"a": 50, "b": 30, "c": 20}, {"a": 50, "b": 20, "c": 20, "old": 10},
                                          (*LABELS, "old"), "failed", "no training example for old"),
    "no production": ({"a": 5, "b": 5, "c": 5}, {}, LABELS, "inconclusive", "no corrected production"),
    "production of other labels": ({"a": 5, "b": 5, "c": 5}, {"z": 9}, LABELS, "inconclusive", "no corrected prod"),
    "nothing at all": ({}, {}, None, "inconclusive", "No training example for a, b, c"),
    "no training": ({}, {"a": 5}, ("b",), "inconclusive", "train has no example"),
}  # fmt: skip


@pytest.mark.parametrize("case", DECIDED)
def test_only_a_missing_label_blocks_and_a_shift_warns(case: str) -> None:
    """By the table; the same verdict follows from the evidence of the receipt alone."""
    train, production, live_labels, outcome, said = DECIDED[case]
    verdict = decide_distribution(train, production, LABELS, 0.1, live_labels)
    assert verdict.outcome == outcome
    assert said in verdict.reason
    assert decide_from_evidence(json.loads(json.dumps(verdict.evidence, allow_nan=False))) == verdict


def test_labels_of_errors_alone_have_no_mix_to_compare() -> None:
    """No verdict, where a shift would be said to be of production; a label that train lacks blocks all the same.
    Evidence of the rule before has no such count, and is judged as it was."""
    production = {"a": 30, "b": 40, "c": 30}
    for confirming, outcome, said in (
        (9, "inconclusive", "9 of 100 labels of the week confirm"),
        (10, "warned", "a from"),
    ):
        verdict = decide_distribution({"a": 90, "b": 5, "c": 5}, production, LABELS, 0.1, LABELS, confirming)
        assert (verdict.outcome, said in verdict.reason) == (outcome, True), verdict.reason
        assert decide_from_evidence(json.loads(json.dumps(verdict.evidence))) == verdict
        former = {key: value for key, value in verdict.evidence.items() if key != "confirming"} | {"rule": 3}
        again = decide_from_evidence(former)
        assert (again.outcome, "confirming" in again.evidence) == ("warned", False)
    assert decide_distribution({"a": 90, "b": 5}, production, LABELS, 0.1, LABELS, 0).outcome == "failed"


def test_the_limit_is_of_what_chance_leaves() -> None:
    """What is left of the distance may be the limit itself; the square of chance is taken off its square."""
    train, production = {"a": 60, "b": 20, "c": 20}, {"a": 20, "b": 60, "c": 20}
    found = decide_distribution(train, production, LABELS, 0.1, LABELS)
    excess = found.evidence["excess"]
    assert excess**2 == pytest.approx(found.evidence["distance"] ** 2 - found.evidence["chance"] ** 2)
    for limit, outcome in ((excess, "passed"), (excess - 1e-9, "warned")):
        assert decide_distribution(train, production, LABELS, limit, LABELS).outcome == outcome


@pytest.mark.parametrize(
    ("classes", "train", "production", "shifted"),
    [(11, 1000, 50, False), (30, 1000, 150, False), (77, 5000, 150, False), (3, 25, 6, False), (6, 500, 150, True)],
)
def test_good_weeks_pass_at_every_size_and_a_shift_is_seen(
    classes: int, train: int, production: int, shifted: bool
) -> None:
    """Twenty weeks of one mix each, one of which may warn by chance, and twenty in which the labels change places."""
    generator = np.random.default_rng(classes)
    labels = [f"l{i}" for i in range(classes)]
    outcomes = []
    for _ in range(20):
        mix = generator.dirichlet(np.full(classes, 3.0))
        ours, theirs = (
            dict(zip(labels, generator.multinomial(n, p).tolist(), strict=True))
            for n, p in ((train, mix), (production, np.roll(mix, 1) if shifted else mix))
        )
        every = {label: n or 1 for label, n in ours.items()}
        outcomes.append(decide_distribution(every, theirs, labels, 0.1, labels).outcome)
    assert "failed" not in outcomes
    warned = outcomes.count("warned")
    assert warned >= 15 if shifted else warned <= 1


def test_the_shared_case_of_one_mix_passes(tmp_path: Path) -> None:
    """Forty labels drawn from one and the same mix: four weeks of 160 train, and the fifth is compared with them."""
    made = Path(__file__).parents[4] / "shared" / "cases" / "label_distribution" / "make_iid40.py"
    if not made.exists():
        pytest.skip("no shared cases beside this checkout")
    copy = Path(shutil.copy(made, tmp_path))
    subprocess.run([sys.executable, str(copy)], check=True)
    rows = [json.loads(line) for line in (tmp_path / "iid40" / "c.jsonl").read_text().splitlines()]
    train, production = (
        Counter(row["label"] for row in rows if (row["request_id"][0] == "4") is newest) for newest in (False, True)
    )
    assert sum(production.values()) == 160
    assert decide_distribution(train, production, sorted({*train, *production}), 0.1).outcome == "passed"


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
                "INSERT INTO labels (classifier, week, request_id, label, status, annotators, votes, agreement, blind)"
                " VALUES ('tickets', ?, ?, ?, 'consensus', 1, 1, 1, true)",
                [day, name, label],
            )
        connection.execute(
            "INSERT INTO labels (classifier, week, request_id, label, status, annotators, votes, agreement, blind)"
            " VALUES ('tickets', ?, 'r9', NULL, 'adjudicate', 2, 1, 0.5, false)",
            [week],
        )
    key = {"classifier": "tickets", "week": week}
    assert warehouse.frame(SERVED_SQL, key).to_dict("records") == [
        {"label": "a", "requests": 2, "with_confidence": 0.5, "mean_confidence": 0.5}
    ]
    assert warehouse.frame(CONSENSUS_COUNTS_SQL, key).to_dict("records") == [{"label": "a", "n": 2, "confirming": 2}]
