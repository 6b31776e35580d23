"""Many corrections become one label by majority, ties wait, and agreement is measured by the book."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import krippendorff
import numpy as np
import pandas as pd
import pytest

from ratchet.config.policy import Limits
from ratchet.data.consensus import CONSENSUS_SQL, VOTES_SQL
from ratchet.gates.label_agreement import DOUBLES_SQL, decide_agreement, decide_from_evidence, with_earlier_weeks
from ratchet.ingest.rebuild import open_warehouse
from ratchet.metrics.agreement import LabelAgreement, measure_agreement, nominal_alpha
from ratchet.storage.home import Home
from ratchet.storage.warehouse import Warehouse

WEEK = date(2026, 2, 23)
Vote = tuple[str, str, str, bool, int]
"""Request, annotator, label, whether the prediction was seen, and the minute."""


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """An empty warehouse."""
    return open_warehouse(Home(tmp_path), "tickets")


def fill(warehouse: Warehouse, votes: list[Vote], week: date = WEEK, classifier: str = "tickets") -> None:
    """Store corrections as intake does."""
    start = datetime(2026, 3, 2, tzinfo=UTC)
    with warehouse.connect() as connection:
        connection.executemany(
            "INSERT INTO corrections (classifier, request_id, ts, label, annotator, saw_prediction, week)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                [classifier, request, start + timedelta(minutes=minute), label, annotator, saw, week]
                for request, annotator, label, saw, minute in votes
            ],
        )


def keep_votes(warehouse: Warehouse) -> None:
    """Keep the newest vote of each annotator, as `corrected_labels` does."""
    with warehouse.connect() as connection:
        sql = VOTES_SQL.replace("$classifier", "'tickets'").replace("$week", f"DATE '{WEEK}'")
        connection.execute(f"INSERT INTO votes BY NAME SELECT 'tickets' AS classifier, * FROM ({sql})")


def consensus(warehouse: Warehouse) -> pd.DataFrame:
    """What the labels table would hold, by request."""
    return warehouse.frame(CONSENSUS_SQL, {"classifier": "tickets", "week": WEEK}).set_index("request_id")


CASES: dict[str, tuple[list[Vote], tuple[str | None, str, int, int, bool]]] = {
    "one annotator": ([("r", "ann", "a", False, 0)], ("a", "consensus", 1, 1, True)),
    "two agree": ([("r", "ann", "a", False, 0), ("r", "bob", "a", True, 1)], ("a", "consensus", 2, 2, True)),
    "two disagree": ([("r", "ann", "a", False, 0), ("r", "bob", "b", False, 1)], (None, "adjudicate", 2, 1, False)),
    "two against one": (
        [("r", "ann", "b", False, 0), ("r", "bob", "a", True, 1), ("r", "cem", "a", True, 2)],
        ("a", "consensus", 3, 2, False),
    ),
    "three ways": (
        [("r", "ann", "a", False, 0), ("r", "bob", "b", False, 1), ("r", "cem", "c", False, 2)],
        (None, "adjudicate", 3, 1, False),
    ),
    "two pairs": (
        [
            ("r", "ann", "a", False, 0),
            ("r", "bob", "b", False, 1),
            ("r", "cem", "a", False, 2),
            ("r", "dee", "b", False, 3),
        ],
        (None, "adjudicate", 4, 2, False),
    ),
    "a second thought wins": (
        [("r", "ann", "a", False, 0), ("r", "ann", "b", True, 9), ("r", "bob", "b", True, 1)],
        ("b", "consensus", 2, 2, False),
    ),
    "a second thought, delivered out of order": (
        [("r", "ann", "b", False, 9), ("r", "ann", "a", False, 0), ("r", "bob", "b", True, 1)],
        ("b", "consensus", 2, 2, True),
    ),
    "only anchored": ([("r", "ann", "a", True, 0), ("r", "bob", "a", True, 1)], ("a", "consensus", 2, 2, False)),
    "only the loser was blind": (
        [("r", "ann", "b", False, 0), ("r", "bob", "a", True, 1), ("r", "cem", "a", True, 2)],
        ("a", "consensus", 3, 2, False),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_newest_correction_of_each_annotator_votes(warehouse: Warehouse, case: str) -> None:
    """Label, status, annotators, votes and whether a winning label was blind."""
    votes, expected = CASES[case]
    fill(warehouse, votes)
    row = consensus(warehouse).loc["r"]
    label = row["label"] if isinstance(row["label"], str) else None
    assert (label, row["status"], row["annotators"], row["votes"], bool(row["blind"])) == expected
    assert row["agreement"] == pytest.approx(row["votes"] / row["annotators"])


def test_labels_of_later_weeks_and_other_classifiers_are_left_out(warehouse: Warehouse) -> None:
    """A cycle sees its own week and the earlier ones only."""
    fill(warehouse, [("r1", "ann", "a", False, 0)], week=WEEK - timedelta(days=7))
    fill(warehouse, [("r2", "ann", "a", False, 0)])
    fill(warehouse, [("r3", "ann", "a", False, 0)], week=WEEK + timedelta(days=7))
    fill(warehouse, [("r1", "bob", "b", False, 0)], classifier="other")
    found = consensus(warehouse)
    assert list(found.index) == ["r1", "r2"]
    assert found.loc["r1", "annotators"] == 1


def test_doubles_are_the_newest_labels_of_requests_that_two_or_more_labelled(warehouse: Warehouse) -> None:
    """A single label, and two by the same person, are no doubles."""
    fill(warehouse, [
        ("one", "ann", "a", False, 0), ("self", "ann", "a", False, 0), ("self", "ann", "b", False, 1),
        ("two", "ann", "a", False, 0), ("two", "ann", "b", False, 5), ("two", "bob", "b", False, 1),
    ])  # fmt: skip
    fill(warehouse, [("old", "ann", "a", False, 0), ("old", "bob", "a", False, 0)], week=WEEK - timedelta(days=7))
    keep_votes(warehouse)
    doubles = warehouse.frame(DOUBLES_SQL, {"classifier": "tickets", "first": WEEK, "week": WEEK})
    assert sorted(doubles[["request_id", "annotator", "label"]].itertuples(index=False, name=None)) == [
        ("two", "ann", "b"),
        ("two", "bob", "b"),
    ]


def pairs(said: list[tuple[str, ...]]) -> pd.DataFrame:
    """One request for each tuple of labels."""
    return pd.DataFrame(
        [(f"r{i}", f"ann{j}", label) for i, labels in enumerate(said) for j, label in enumerate(labels)],
        columns=["request_id", "annotator", "label"],
    )


def test_alpha_is_that_of_krippendorffs_own_example() -> None:
    """Three of the four observers of the reliability data in Krippendorff 2011, computed from the raw matrix."""
    reliability = np.array(
        [
            [1, 2, 3, 3, 2, 1, 4, 1, 2, np.nan, np.nan, np.nan],
            [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, np.nan, 3],
            [np.nan, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, np.nan],
            [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, np.nan],
        ]
    )
    said = [tuple(str(int(v)) for v in column if not np.isnan(v)) for column in reliability.T]
    found = measure_agreement(pairs(said), list("12345"))
    assert found.alpha == pytest.approx(
        krippendorff.alpha(reliability_data=reliability, level_of_measurement="nominal")
    )
    assert found.alpha == pytest.approx(0.743, abs=5e-4)
    assert found.doubles == 11
    assert found.alpha_ci is not None
    assert found.alpha_ci[0] < 0.743 < found.alpha_ci[1]


@pytest.mark.parametrize("seed", range(5))
def test_alpha_equals_that_of_the_library_on_random_votes(seed: int) -> None:
    """Two to four annotators a request, five labels; weights stand for repeated requests."""
    generator = np.random.default_rng(seed)
    table = np.array(
        [generator.multinomial(generator.integers(2, 5), generator.dirichlet(np.full(5, 0.3))) for _ in range(40)]
    )
    weights = generator.multinomial(40, np.full(40, 1 / 40), 3)
    expected = [
        krippendorff.alpha(value_counts=np.repeat(table, w, axis=0), level_of_measurement="nominal") for w in weights
    ]
    assert nominal_alpha(table, weights) == pytest.approx(expected)


def test_the_most_confused_labels_are_named() -> None:
    """In the order of the specification, whoever said which."""
    found = measure_agreement(pairs([("a", "b"), ("b", "a"), ("a", "c"), ("c", "c")]), ["a", "b", "c"])
    assert found.confusions == {"a / b": 2, "a / c": 1}


def test_one_label_only_has_no_alpha() -> None:
    """Agreement is whole, chance cannot be told."""
    found = measure_agreement(pairs([("a", "a")] * 30), ["a", "b"])
    assert (found.agreement, found.alpha, found.alpha_ci) == (1.0, None, None)
    assert decide_agreement(found, Limits()).outcome == "passed"


@pytest.mark.parametrize(
    ("agreeing", "differing", "outcome"),
    [
        (18, 2, "passed"),
        (17, 3, "warned"),
        (12, 8, "failed"),
        (900, 100, "passed"),
        (899, 101, "warned"),
        (870, 130, "failed"),
        (19, 0, "inconclusive"),
        (0, 0, "inconclusive"),
    ],
)
def test_annotators_must_agree_on_nine_of_ten(agreeing: int, differing: int, outcome: str) -> None:
    """Exactly 90 % passes; below it, what chance explains warns; fewer than 20 doubles give no verdict."""
    spread = [("a", "a"), ("b", "b")] * (agreeing // 2) + [("a", "a")] * (agreeing % 2)
    found = measure_agreement(pairs(spread + [("a", "b")] * differing), ["a", "b"])
    verdict = decide_agreement(found, Limits())
    assert verdict.outcome == outcome
    if outcome in {"failed", "warned"}:
        assert "most confused: a / b" in verdict.reason
        assert "Krippendorff's alpha" in verdict.reason
    if outcome == "inconclusive":
        assert f"{agreeing + differing} doubly labelled requests, at least 20" in verdict.reason
    own = with_earlier_weeks(verdict, {})
    assert decide_from_evidence(json.loads(json.dumps(own.evidence))) == own


RATED: dict[str, tuple[list[tuple[str, ...]], str, str]] = {
    "twenty raters of whom one is of another mind": (
        [("a",) * 19 + ("b",)] * 20 + [("b",) * 19 + ("a",)] * 20, "warned", "1 of 20 annotators differs from all"
    ),
    "a rare label on which nobody agrees, behind 400 others": (
        [("a", "a")] * 400 + [("b", "a"), ("a", "b")] * 8, "failed", "votes for b another annotator confirms 0.0%"
    ),
    "a rare label that is confirmed now and then": (
        [("a", "a")] * 2000 + [("b", "a")] * 8 + [("b", "b")] * 4, "warned", "another annotator confirms 50.0%"
    ),
    "a rare label that is confirmed": ([("a", "a")] * 2000 + [("b", "b")] * 10, "passed", "agree on 100.0%"),
    "one deviant of twenty annotators, always outvoted": (
        [("a",) * 20] * 3820 + [("a",) * 19 + ("b",)] * 180, "warned", "agree on 99.6% of 4000"),
    "one deviant of three, always outvoted": (
        [("a",) * 3] * 976 + [("a", "a", "b")] * 24, "warned", "votes for b another annotator confirms 0.0%"),
    "one deviant of three who ties with another's third label": (
        [("a",) * 3] * 976 + [("a", "c", "b")] * 24, "failed", "votes for b another annotator confirms 0.0%"),
    "two votes for a rare label say nothing": ([("a", "a")] * 400 + [("b", "a")] * 2, "passed", "agree on 99.5%"),
}  # fmt: skip


@pytest.mark.parametrize("case", RATED)
def test_pairs_of_annotators_are_counted_by_label(case: str) -> None:
    """Neither many raters nor a frequent label change what a pair says of a label."""
    said, outcome, words = RATED[case]
    verdict = decide_agreement(measure_agreement(pairs(said), ["a", "b", "c"]), Limits())
    assert (verdict.outcome, words in verdict.reason) == (outcome, True), verdict.reason


def test_a_receipt_of_before_names_nobody() -> None:
    """The rule before counted no pairs: its evidence gives the verdict that it gave."""
    said = [("a", "b", "b")] * 25 + [("a", "a", "a")] * 3 + [("b", "b", "b")] * 100
    now = with_earlier_weeks(decide_agreement(measure_agreement(pairs(said), ["a", "b"]), Limits()), {})
    assert (now.outcome, len(now.evidence["differing"])) == ("warned", 1)
    former = {key: value for key, value in now.evidence.items() if key not in ("pairs", "differing")} | {"rule": 3}
    again = decide_from_evidence(json.loads(json.dumps(former)))
    assert (again.outcome, again.evidence) == ("warned", former)
    assert "differ" not in again.reason


def test_the_agreement_of_a_label_is_that_of_its_votes() -> None:
    """Of two annotators: twice the requests on which both gave it, by all votes for it, whoever else labelled."""
    found = measure_agreement(pairs([("a", "b"), ("b", "b"), ("b", "b"), ("a", "a", "a")]), ["a", "b"])
    b, a = (LabelAgreement(**found.by_label[label]) for label in "ba")
    assert (b.confirmed, b.mentioned) == (pytest.approx(4 / 5), 3)
    assert (a.confirmed, a.mentioned) == (pytest.approx(2 / 3), 2)
    assert found.agreement == pytest.approx(3 / 4)
    low, high = b.bounds(0.99)
    assert 0 < low < 4 / 5 < high < 1


def test_the_same_votes_give_the_same_interval() -> None:
    """The bootstrap takes a seed."""
    said = pairs([("a", "a")] * 20 + [("a", "b")] * 3)
    assert measure_agreement(said, ["a", "b"]) == measure_agreement(said.sample(frac=1, random_state=0), ["a", "b"])
