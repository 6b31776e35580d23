"""A candidate that forgets what live knew is stopped, over all and within any class."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from ratchet.config.policy import Limits
from ratchet.gates.golden_anchor import Anchor
from ratchet.gates.golden_set_regression import (
    GOLDEN_SQL,
    GoldenAnswer,
    decide_from_evidence,
    decide_regression,
    describe_power,
    read_golden_answers,
)
from ratchet.gates.paired_rule import describe_reach
from ratchet.ingest.rebuild import open_warehouse
from ratchet.storage.home import Home


def answers(*classes: tuple[str, int, int, int]) -> list[GoldenAnswer]:
    """For each (label, items, how many are lost, how many gained); the others both get right."""
    found: list[GoldenAnswer] = []
    for label, n, lost, gained in classes:
        for i in range(n):
            mine, theirs = ("other", label) if i < lost else (label, "other" if i < lost + gained else label)
            found.append(GoldenAnswer(f"{label}-{i}", label, mine, theirs))
    return found


CASES: dict[str, tuple[tuple[tuple[str, int, int, int], ...], str, str]] = {
    "nothing differs": ((("a", 50, 0, 0), ("b", 50, 0, 0)), "passed", "+0.0 points [-2.6, +3.7], so within 5"),
    "nothing differs on few items": ((("a", 20, 0, 0), ("b", 20, 0, 0)), "inconclusive", "neither within 5 nor worse"),
    "as much gained as lost": ((("a", 200, 10, 10), ("b", 200, 10, 10)), "passed", "20 gained, +0.0 points"),
    "gains buy losses": ((("a", 100, 6, 10),), "passed", "+4.0 points"),
    "losses alone": ((("a", 100, 9, 1), ("b", 100, 6, 1)), "failed", "-6.5 points"),
    "a loss that chance explains": ((("a", 50, 4, 2), ("b", 50, 4, 2)), "inconclusive", "-4.0 points"),
    "a small class lost in a large set": (
        (("a", 20, 12, 0), ("b", 980, 0, 12)), "failed", "within class: a 12 lost and 0 gained",
    ),
    "a small class that chance explains": ((("a", 20, 5, 0), ("b", 980, 0, 5)), "passed", "so within 5"),
    "a large class, worse and within the margin": ((("a", 3000, 60, 20), ("b", 3000, 20, 60)), "passed", "+0.0 points"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_paired_difference_decides_in_three_values(case: str) -> None:
    """Gains count like losses; a class that is lost fails though the whole passes; the rest is undecided."""
    classes, outcome, words = CASES[case]
    verdict = decide_regression(answers(*classes), Limits())
    assert verdict.outcome == outcome, verdict.reason
    assert words in verdict.reason
    assert verdict.passed == (outcome != "failed")
    assert len(verdict.evidence["lost"]) == sum(lost for _, _, lost, _ in classes)
    assert json.dumps(verdict.evidence, allow_nan=False)


FORMER: dict[str, tuple[tuple[tuple[str, int, int, int], ...], str, str]] = {
    "nothing lost": (
        (("a", 50, 0, 0), ("b", 50, 0, 0)),
        "passed",
        "0 of 100 golden items that live gets right are lost",
    ),
    "more than 5 % over all": ((("a", 30, 2, 0), ("b", 30, 2, 0)), "failed", "4 of 60"),
    "gains did not count": ((("a", 110, 6, 10),), "failed", "6 of 100"),
    "a small class loses 8 of 20": ((("a", 20, 8, 0), ("b", 400, 0, 0)), "failed", "within class: a 8 of 20"),
    "a class of 40 by its share": ((("a", 40, 3, 0), ("b", 400, 0, 0)), "failed", "within class: a 3 of 40"),
    "one of 39 beyond chance only": ((("a", 39, 3, 0), ("b", 400, 0, 0)), "passed", "3 of 439"),
}


@pytest.mark.parametrize("case", FORMER)
def test_a_receipt_of_before_is_derived_by_the_rule_that_it_was_made_by(case: str) -> None:
    """It counted losses against a limit; where the verdict depends on a setting that it lacks, that is the answer."""
    classes, outcome, words = FORMER[case]
    verdict = decide_regression(answers(*classes), Limits(), rule=1)
    assert (verdict.outcome, words in verdict.reason) == (outcome, True), verdict.reason
    evidence = json.loads(json.dumps(verdict.evidence))
    assert set(evidence) == {"n", "live_right", "lost", "limit", "classes", "smallest_excludable_loss"}
    assert all(set(each) == {"live_right", "lost"} for each in evidence["classes"].values())
    if "39" in case or "40" in case:
        with pytest.raises(KeyError, match="min_golden_per_class"):
            decide_from_evidence(evidence)
    else:
        again = decide_from_evidence(evidence)
        assert (again.outcome, again.reason) == (outcome, verdict.reason)


def test_the_lost_are_named_ten_at_most() -> None:
    """And all of them stand in the evidence, without a text."""
    verdict = decide_regression(answers(("a", 100, 12, 0)), Limits())
    assert "lost: a-0, a-1, a-2, a-3, a-4, a-5, a-6, a-7, a-8, a-9 ..." in verdict.reason
    assert [lost["item"] for lost in verdict.evidence["lost"]] == [f"a-{i}" for i in range(12)]
    assert all(each.keys() == {"item", "label", "candidate", "live"} for each in verdict.evidence["lost"])


def then(found: list[GoldenAnswer], wrong: int, known: int | None = None) -> Anchor:
    """Anchor that gets all but the first `wrong` items right, and answered only the first `known`."""
    answered = ["other" if i < wrong else each.label for i, each in enumerate(found)]
    kept = [each if known is None or i < known else None for i, each in enumerate(answered)]
    return Anchor("", "e" * 64, "2025-11-24", tuple(kept))


NOW = answers(("a", 200, 2, 2))
DRIFTED = [replace(each, candidate="other", live="other") if i < 14 else each for i, each in enumerate(NOW)]
ANCHORS: dict[str, tuple[list[GoldenAnswer], Anchor, str, str]] = {
    "the anchor is no better": (NOW, then(NOW, 2), "passed", "live in 2025-11-24, +0.0 points [-1.3, +1.9], within 5"),
    "every week lost a little": (DRIFTED, then(NOW, 0), "failed", "-7.0 points [-10.6, -4.2], worse, shown"),
    "some items are new": (NOW, then(NOW, 2, 90), "passed", "on the 90 items that were the same then +0.0 points"),
    "a few items only": (NOW, then(NOW, 2, 20), "passed", "undecided"),
    "a young classifier": (NOW, Anchor("young"), "passed", "no answers are 13 weeks old yet"),
    "a rebuilt warehouse": (NOW, Anchor("gone"), "passed", "of 13 weeks ago are not stored here"),
    "another golden set": (NOW, Anchor("changed"), "passed", "none of the golden items was answered 13 weeks ago"),
    "live is that old": (NOW, Anchor("live"), "passed", "live is the adapter of 13 weeks ago itself"),
}


@pytest.mark.parametrize("case", ANCHORS)
def test_slow_drift_is_judged_by_the_adapter_of_thirteen_weeks_ago(case: str) -> None:
    """A candidate like live fails where both are worse than the anchor; without one the reason is said."""
    found, anchor, outcome, words = ANCHORS[case]
    verdict = decide_regression(found, Limits(), anchor)
    assert (verdict.outcome, words in verdict.reason) == (outcome, True), verdict.reason
    again = decide_from_evidence(json.loads(json.dumps(verdict.evidence)))
    assert (again.outcome, again.reason) == (outcome, verdict.reason)


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


def test_the_golden_set_says_what_it_can_show() -> None:
    """By its size and the share of answers that differ; before there is a live adapter that share is assumed."""
    assert describe_reach(204, 0.08, 0.05) == (
        "This golden set of 204 can show 6 points at your churn of 8 %; for 5 it lacks 70 items."
    )
    assert describe_power(answers(("a", 400, 16, 16)), 0.05).endswith("5 points at your churn of 8 %; enough for 5.")
    assert describe_power(answers(("a", 40, 0, 0)), 0.05).endswith(
        "7 points at your churn of 0 %; for 5 it lacks 12 items."
    )
    assert "can show 21 points where one answer in ten differs" in describe_power(first("a", 3, 20), 0.05)


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
