"""The week's labels must mean what the golden set's do, class by class."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy.stats import fisher_exact

from ratchet.data.label_rules import RENAME, LabelRule, LabelRules
from ratchet.gates.class_history import compare_with_history, read_as_now
from ratchet.gates.golden_agreement import decide_from_evidence, decide_golden_agreement
from ratchet.gates.swapped_labels import find_circles

Counts = dict[tuple[str, str, str], int]
HONEST: Counts = {
    ("test", "a", "a"): 40,
    ("test", "a", "b"): 10,
    ("test", "b", "b"): 35,
    ("test", "b", "a"): 5,
    ("golden", "a", "a"): 30,
    ("golden", "a", "b"): 4,
    ("golden", "b", "b"): 33,
    ("golden", "b", "a"): 1,
}
SWAPPED: Counts = {
    **HONEST,
    ("test", "a", "a"): 5,
    ("test", "a", "b"): 40,
    ("test", "b", "b"): 4,
    ("test", "b", "a"): 36,
}


def rows(counts: Counts) -> list[dict[str, Any]]:
    """Counts as the rows of the query."""
    return [{"split": s, "label": label, "predicted": p, "n": n} for (s, label, p), n in counts.items()]


def test_a_week_whose_labels_mean_the_same_passes() -> None:
    """The least confirmed class is named."""
    verdict = decide_golden_agreement(rows(HONEST))
    assert verdict.outcome == "passed"
    assert "lowest agreement: a (80%)" in verdict.reason


def test_two_swapped_classes_are_both_named_with_their_counts() -> None:
    """Annotators who swap labels agree with each other, but not with the golden set."""
    verdict = decide_golden_agreement(rows(SWAPPED))
    assert verdict.outcome == "failed"
    assert verdict.reason == (
        "Fails: the week's blind labels contradict the golden set. a: the model agrees with 5 of 45 labels of this week"
        " (says b), but with 30 of 34 golden labels. b: the model agrees with 4 of 40 labels of this week (says a), but"
        " with 33 of 34 golden labels. Were a and b swapped?"
    )


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({("golden", "a", "a"): 10, ("golden", "a", "b"): 24}, "the candidate is wrong about golden a as well"),
        ({("test", "a", "a"): 26, ("test", "a", "b"): 24}, "most of the week's labels are confirmed"),
        ({("test", "a", "a"): 1, ("test", "a", "b"): 2}, "three requests show nothing"),
    ],
)
def test_what_the_labels_did_not_cause_is_not_blamed_on_them(changes: Counts, why: str) -> None:
    """A bad candidate is the business of other gates, and too few items never make a verdict."""
    assert decide_golden_agreement(rows({**HONEST, **changes})).outcome == "passed", why


def test_no_common_class_is_no_verdict() -> None:
    """Nothing to compare is never a pass."""
    only_test = {key: n for key, n in HONEST.items() if key[0] == "test"}
    assert decide_golden_agreement(rows(only_test)).outcome == "inconclusive"


def test_many_small_classes_raise_no_false_alarm() -> None:
    """2 of 13 against 23 of 34 is beyond chance for one class, but not when seven are compared."""
    weak = {("test", "a", "a"): 2, ("test", "a", "b"): 11, ("golden", "a", "a"): 23, ("golden", "a", "b"): 11}
    assert decide_golden_agreement(rows(weak)).outcome == "failed"
    others = {(split, label, label): 30 for split in ("test", "golden") for label in "bcdefg"}
    assert decide_golden_agreement(rows({**weak, **others})).outcome == "passed"


def week(labels: str, wrong: Mapping[tuple[str, str], int], confirming: int = 0) -> list[dict[str, Any]]:
    """A golden set that the candidate knows, and labels of a week: `wrong` counts those of a label for which another
    one was served, which the candidate, like live, answers, too."""
    rows = [{"split": "golden", "label": each, "predicted": each, "served": None, "n": 30} for each in labels]
    rows += [
        {"split": "test", "label": label, "predicted": served, "served": served, "n": n}
        for (label, served), n in wrong.items()
    ]
    right = {"split": "test", "label": labels[0], "predicted": labels[0], "served": labels[0], "n": confirming}
    return [*rows, *([right] if confirming else [])]


PAIR = {("a", "b"): 30, ("b", "a"): 25, ("c", "a"): 3}
CIRCLE = {("a", "b"): 30, ("b", "c"): 25, ("c", "a"): 28}
WEEKS: dict[str, tuple[str, dict[tuple[str, str], int], int, dict[str, int], str, str]] = {
    "errors of two labels for each other": ("abc", PAIR, 2, {"a": 400, "b": 300, "c": 300}, "warned",
                                            "no more of them than live may have made (55 of 700 requests that were"),
    "two labels of three swapped": ("abc", PAIR, 2, {"a": 40, "b": 30, "c": 3}, "failed",
                                    "55 of 70 requests that were served a or b have another of these labels now"),
    "three labels in a circle": ("abc", CIRCLE, 0, {"a": 40, "b": 30, "c": 30}, "failed", "served a or b or c have"),
    "errors in a circle": ("abc", CIRCLE, 0, {"a": 400, "b": 300, "c": 30}, "warned", "may have made (83 of 730"),
    "errors for one label": ("abc", {("b", "a"): 30, ("c", "a"): 30}, 0, {"a": 70}, "warned", "no labels stand for"),
    "labels drawn at random, too": ("abc", PAIR, 60, {"a": 400, "b": 300}, "failed", "Were b and a swapped?"),
    "two labels": ("ab", {("a", "b"): 30, ("b", "a"): 25}, 0, {"a": 400, "b": 400}, "failed", "'ratchet unquarantine'"),
    "two labels, errors for one": ("ab", {("a", "b"): 30}, 2, {"a": 400, "b": 400}, "failed", "with two labels that"),
    "nine labels": ("abc", {("a", "b"): 9}, 0, {"b": 100}, "warned", "a: the model agrees with 0 of 9 labels"),
    "nothing known of what was served": ("abc", {("a", "b"): 30}, 0, {}, "warned", "no labels stand for each other"),
}  # fmt: skip


@pytest.mark.parametrize("name", WEEKS)
def test_labels_of_errors_alone_are_blamed_only_where_they_are_swapped(name: str) -> None:
    """A candidate that is like live is wrong where live was, whoever labelled it; the verdict follows from the rows."""
    labels, wrong, confirming, requests, outcome, said = WEEKS[name]
    verdict = decide_golden_agreement(week(labels, wrong, confirming), requests)
    assert (verdict.outcome, said in verdict.reason) == (outcome, True), verdict.reason
    assert verdict.reason.startswith("Fails: " if outcome == "failed" else "Warns: ")
    assert decide_from_evidence(json.loads(json.dumps(verdict.evidence, allow_nan=False))) == verdict


def test_a_receipt_of_before_keeps_its_rule() -> None:
    """Its evidence names no rule: the failure of a week of errors stays the failure that was recorded."""
    verdict = decide_golden_agreement(week("abc", PAIR), {"a": 400, "b": 300, "c": 300}, rule=1)
    assert (verdict.outcome, set(verdict.evidence)) == ("failed", {"classes", "confidence"})


def test_the_order_of_rows_changes_no_word() -> None:
    """The report counts in memory, in the order of the items, and the check by the warehouse, sorted."""
    found = week("abc", PAIR)
    assert decide_golden_agreement(found[::-1], {"a": 40}) == decide_golden_agreement(found, {"a": 40})


def test_only_closed_circles_are_swaps() -> None:
    """Labels that lead into a circle are not on it, and neither is one that the candidate mostly confirms."""
    assert find_circles({"a": "b", "b": "c", "c": "b", "d": "a", "e": "e"}) == ["b", "c"]
    assert find_circles({"a": "b", "c": "d", "b": "a", "d": "c"}) == ["a", "b", "c", "d"]
    assert find_circles({"a": "b", "b": "x"}) == []


KINDS = "abcdef"


def history_rows(generator: np.random.Generator, n: int, accuracy: float = 0.92) -> list[dict[str, Any]]:
    """`n` labelled requests of each of six classes, and what a model of that accuracy answers."""
    rows = []
    for label in KINDS:
        others = [each for each in KINDS if each != label]
        right = int(generator.binomial(n, accuracy))
        wrong = generator.multinomial(n - right, np.full(5, 0.2))
        rows += [{"split": "test", "label": label, "predicted": label, "served": label, "n": right}]
        rows += [
            {"split": "test", "label": label, "predicted": other, "served": label, "n": int(times)}
            for other, times in zip(others, wrong, strict=True)
            if times
        ]
    return rows


def flip(generator: np.random.Generator, rows: list[dict[str, Any]], to: str) -> list[dict[str, Any]]:
    """30 % of the labels of class a, which become another one: of one class, or of each in turn."""
    flipped = []
    for row in rows:
        away = int(generator.binomial(row["n"], 0.3)) if row["label"] == "a" else 0
        flipped += [{**row, "n": row["n"] - away}]
        flipped += [{**row, "label": to or KINDS[1 + i % 5], "n": 1} for i in range(away)]
    return flipped


@pytest.mark.parametrize("trials", [40, pytest.param(1000, marks=pytest.mark.faults)])
@pytest.mark.parametrize("to", ["b", ""], ids=["to one class", "to all others"])
def test_a_third_of_a_class_flipped_in_the_newest_week_is_seen(to: str, trials: int) -> None:
    """In 30 labels of each class, beside eight weeks of as many; the same weeks without the flip pass."""
    seen = blamed = 0
    for trial in range(trials):
        generator = np.random.default_rng(trial)
        now, before = history_rows(generator, 30), history_rows(generator, 240)
        golden = [{**row, "split": "golden"} for row in history_rows(generator, 40)]
        honest, flipped = [*now, *golden], [*flip(generator, now, to), *golden]
        verdicts = [decide_golden_agreement(rows, {}, before) for rows in (honest, flipped)]
        blamed += verdicts[0].outcome == "failed"
        seen += verdicts[1].outcome == "failed" and "of the answers a the week's labels confirm" in verdicts[1].reason
        assert all(decide_from_evidence(json.loads(json.dumps(each.evidence))) == each for each in verdicts[:1])
    assert (seen >= 0.85 * trials, blamed <= 0.03 * trials) == (True, True), (seen, blamed)


def test_a_class_is_compared_by_the_exact_test_of_fisher() -> None:
    """In both directions, by the library's own; a class that either side lacks is not compared."""
    generator = np.random.default_rng(4)
    now, before = history_rows(generator, 12)[:-1], history_rows(generator, 50)
    found = compare_with_history(now, [row for row in before if "e" not in (row["label"], row["predicted"])])
    assert set(found["answer"]) <= set("abcdf")
    for direction, name in product(found, "abcd"):
        each = found[direction][name]
        table = [[each["right"], each["n"] - each["right"]],
                 [each["before_right"], each["before_n"] - each["before_right"]]]  # fmt: skip
        assert each["p"] == pytest.approx(fisher_exact(table, alternative="less").pvalue)


@pytest.mark.parametrize(
    ("before", "served", "outcome", "said"),
    [
        (95, "label", "failed", "of the answers a the week's labels confirm 20 of 30, in the eight weeks before 95 of"),
        (70, "label", "passed", "lowest agreement: b (86%)"),
        (0, "label", "passed", "lowest agreement: b (86%)"),
        (95, "predicted", "failed", "confirm 20 of 30"),
        (95, "other", "passed", "lowest agreement: b (86%)"),
    ],
    ids=["clearly lower", "as before", "nothing before", "served alike", "errors alone were labelled"],
)
def test_a_class_that_fell_fails_the_week(before: int, served: str, outcome: str, said: str) -> None:
    """Unless errors alone were labelled, or the past was no better."""
    counts = [("a", "a", 20), ("b", "a", 10), ("b", "b", 60)]
    rows = [
        {"split": "test", "label": label, "predicted": predicted, "n": n,
         "served": {"label": label, "predicted": predicted, "other": "z"}[served]}
        for label, predicted, n in counts
    ]  # fmt: skip
    rows += [{"split": "golden", "label": each, "predicted": each, "served": None, "n": 30} for each in "ab"]
    past = [{"label": "a", "predicted": "a", "n": before}, {"label": "b", "predicted": "a", "n": 100 - before}]
    verdict = decide_golden_agreement(rows, {}, past if before else [])
    assert (verdict.outcome, said in verdict.reason) == (outcome, True), verdict.reason
    assert decide_from_evidence(json.loads(json.dumps(verdict.evidence))) == verdict


def test_a_model_that_lost_a_class_is_not_blamed_on_the_labels() -> None:
    """It agrees with fewer golden labels, too; the same week fails by a model that did not lose the class."""
    past = [{"label": each, "predicted": each, "n": 30} for each in "ab"]
    week = [("a", "b", 30), ("b", "b", 30)]
    for golden, outcome in (([("a", "b", 20), ("b", "b", 20)], "passed"), ([("a", "a", 20), ("b", "b", 20)], "failed")):
        rows = [
            {"split": split, "label": label, "predicted": predicted, "served": label, "n": n}
            for split, counts in (("test", week), ("golden", golden))
            for label, predicted, n in counts
        ]
        verdict = decide_golden_agreement(rows, {}, past)
        assert verdict.outcome == outcome, verdict.reason
        assert decide_from_evidence(json.loads(json.dumps(verdict.evidence))) == verdict


def test_the_past_is_read_by_the_labels_of_now() -> None:
    """A renamed label is the same class; one that means several is left out."""
    rules = LabelRules((LabelRule(RENAME, ("old",), ("new",), datetime(2026, 1, 1, tzinfo=UTC)),))
    rows = [{"label": "old", "predicted": "new", "n": 3}, {"label": "new", "predicted": "old", "n": 4}]
    assert read_as_now(rows, rules) == [{"label": "new", "predicted": "new", "n": 7}]
