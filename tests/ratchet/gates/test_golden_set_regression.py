"""A candidate that forgets what live knew is stopped, over all and within any class."""

import json
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from ratchet.config.policy import Limits
from ratchet.gates.golden_set_regression import (
    GOLDEN_SQL,
    GoldenAnswer,
    decide_regression,
    describe_power,
    read_golden_answers,
)
from ratchet.ingest.rebuild import open_warehouse
from ratchet.storage.home import Home


def answers(*classes: tuple[str, int, int, int]) -> list[GoldenAnswer]:
    """For each (label, items that live gets right, how many of these are lost, items that live gets wrong)."""
    found: list[GoldenAnswer] = []
    for label, right, lost, wrong in classes:
        found += [GoldenAnswer(f"{label}-{i}", label, "other" if i < lost else label, label) for i in range(right)]
        found += [GoldenAnswer(f"{label}-w{i}", label, label, "other") for i in range(wrong)]
    return found


CASES: dict[str, tuple[tuple[tuple[str, int, int, int], ...], str, str]] = {
    "nothing lost": ((("a", 50, 0, 5), ("b", 50, 0, 0)), "passed", "0 of 100"),
    "exactly 5 % lost": ((("a", 50, 2, 0), ("b", 50, 3, 0), ("c", 100, 5, 0)), "failed", "within class: b 3 of 50"),
    "exactly 5 % over all and within each class": ((("a", 40, 2, 0), ("b", 60, 3, 0)), "passed", "5 of 100"),
    "more than 5 % over all, in classes too small to judge": ((("a", 30, 2, 0), ("b", 30, 2, 0)), "failed", "4 of 60"),
    "one class of 40 loses 3": ((("a", 40, 3, 0), ("b", 400, 0, 0)), "failed", "within class: a 3 of 40"),
    "one class of 39 loses 3, which chance can do": ((("a", 39, 3, 0), ("b", 400, 0, 0)), "passed", "3 of 439"),
    "a small class loses 8 of 20": ((("a", 20, 8, 0), ("b", 400, 0, 0)), "failed", "within class: a 8 of 20"),
    "a small class loses 1 of 20": ((("a", 20, 1, 0), ("b", 400, 0, 0)), "passed", "1 of 420"),
    "a small class loses 3 of 20, 7 % by chance": ((("a", 20, 3, 0), ("b", 400, 0, 0)), "passed", "3 of 420"),
    "a small class loses 4 of 20, 2 % by chance": (
        (("a", 20, 4, 0), ("b", 400, 0, 0)),
        "failed",
        "within class: a 4 of 20",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_more_than_five_percent_lost_fails_over_all_and_within_a_class(case: str) -> None:
    """Exactly 5 % passes; a class of 40 is judged like the whole, a smaller one by the exact binomial test."""
    classes, outcome, said = CASES[case]
    verdict = decide_regression(answers(*classes), Limits())
    assert verdict.outcome == outcome, verdict.reason
    assert said in verdict.reason
    assert len(verdict.evidence["lost"]) == sum(lost for _, _, lost, _ in classes)
    assert json.dumps(verdict.evidence, allow_nan=False)


def test_gains_do_not_buy_losses() -> None:
    """Ten new right answers beside six lost ones: still a regression, although accuracy rises."""
    assert decide_regression(answers(("a", 100, 6, 10)), Limits()).outcome == "failed"


def test_the_lost_are_named_ten_at_most() -> None:
    """And all of them stand in the evidence."""
    verdict = decide_regression(answers(("a", 100, 12, 0)), Limits())
    assert "lost: a-0, a-1, a-2, a-3, a-4, a-5, a-6, a-7, a-8, a-9 ..." in verdict.reason
    assert [lost["item"] for lost in verdict.evidence["lost"]] == [f"a-{i}" for i in range(12)]


def first(label: str, right: int, n: int) -> list[GoldenAnswer]:
    """Answers of a first candidate: so many right of n, no live."""
    return [GoldenAnswer(f"{label}-{i}", label, label if i < right else "other", None) for i in range(n)]


@pytest.mark.parametrize(
    ("found", "outcome", "said"),
    [
        (first("a", 6, 10) + first("b", 6, 10), "passed", "golden accuracy 0.600 (floor 0.6), lowest recall 0.60"),
        (first("a", 59, 100), "failed", "golden accuracy 0.590 (floor 0.6)"),
        (first("a", 90, 90) + first("b", 1, 10), "failed", "recall under 0.2: b 0.10"),
        (first("a", 90, 90) + first("b", 2, 10), "passed", "lowest recall 0.20"),
    ],
)
def test_a_first_candidate_must_reach_the_floors(found: list[GoldenAnswer], outcome: str, said: str) -> None:
    """Over all and within each class; the floor itself is enough."""
    verdict = decide_regression(found, Limits())
    assert verdict.outcome == outcome
    assert said in verdict.reason


def test_an_empty_golden_set_is_not_a_pass() -> None:
    """It is an error."""
    with pytest.raises(ValueError, match="empty"):
        decide_regression([], Limits())


def test_the_power_is_said_in_words() -> None:
    """59 items that live gets right exclude losses of 5 %; with no live the whole set counts."""
    power = describe_power(answers(("a", 59, 3, 20)))
    assert power == "59 golden items can only reveal losses of 5.0 % or more."
    assert describe_power(first("a", 3, 20)) == "20 golden items can only reveal losses of 13.9 % or more."


def test_the_answers_are_read_from_the_warehouse_with_and_without_live(tmp_path: Path) -> None:
    """Only this cycle's adapter, in the order of the golden file; a missing live answer is None, not NaN."""
    warehouse, week = open_warehouse(Home(tmp_path), "tickets"), date(2026, 2, 23)
    rows = [
        ("candidate", "new", "golden", "golden-10", "a", "b"), ("candidate", "new", "golden", "golden-2", "a", "a"),
        ("candidate", "new", "test", "golden-2", "a", "b"), ("live", "old", "golden", "golden-10", "a", "a"),
        ("live", "old", "test", "golden-2", "a", "b"),
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["model", "adapter", "split", "item", "label", "predicted"])
    warehouse.replace(
        "predictions", "tickets", week, frame.assign(classifier="tickets", week=week, text="x", confidence=1.0)
    )
    found = warehouse.frame(GOLDEN_SQL, {"classifier": "tickets", "week": week, "adapter": "new"})
    assert read_golden_answers(found.to_dict("records")) == [
        GoldenAnswer("golden-2", "a", "a", None),
        GoldenAnswer("golden-10", "a", "b", "a"),
    ]
    assert warehouse.frame(GOLDEN_SQL, {"classifier": "tickets", "week": week, "adapter": "another"}).empty


@pytest.mark.parametrize(("candidate", "outcome"), [("b", "failed"), ("a", "passed")])
def test_a_live_adapter_that_knows_nothing_lets_nobody_through_unseen(candidate: str, outcome: str) -> None:
    """With nothing to lose, every candidate would keep it all: the floors of a first cycle apply."""
    answers = [GoldenAnswer(f"golden-{n}", "a", candidate, "b") for n in range(10)]
    verdict = decide_regression(answers, Limits())
    assert verdict.outcome == outcome
    assert "live gets none right: golden accuracy" in verdict.reason
