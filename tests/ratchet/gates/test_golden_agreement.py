"""The week's labels must mean what the golden set's do, class by class."""

from typing import Any

import pytest

from ratchet.gates.golden_agreement import decide_golden_agreement

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
