"""A part of the requests that a candidate ruins is seen by itself; chance in many parts blocks nothing."""

import json

import pytest

from ratchet.config.slices import Slices
from ratchet.core.errors import RatchetError
from ratchet.gates.paired_answers import PairedAnswer, read_metadata
from ratchet.gates.slices import decide_from_evidence, decide_slices
from ratchet.metrics.paired_difference import power_of_loss

BY_CHANNEL = Slices(columns=("channel",))


def part(
    n: int, lost: int, gained: int, label: str = "a", split: str = "test", served: str | None = "", **metadata: str
) -> list[PairedAnswer]:
    """Items of one label and one value of each column, with so many lost and gained."""
    mine = ["z" if i < lost else label for i in range(n)]
    live = ["z" if lost <= i < lost + gained else label for i in range(n)]
    return [
        PairedAnswer(split, label, mine[i], live[i], 0.9, 0.9, label if served == "" else served, metadata)
        for i in range(n)
    ]


CASES: dict[str, tuple[list[PairedAnswer], str, str]] = {
    "nothing lost": (part(100, 0, 0, channel="chat"), "passed", "none of 2 slices shows a loss"),
    "a channel that is ruined": (
        [*part(400, 5, 20, channel="mail"), *part(60, 15, 0, channel="chat")], "failed",
        "within channel chat 15 lost and 0 gained of 60",
    ),
    "a label that is ruined": (
        [*part(900, 5, 25, "a"), *part(60, 14, 0, "b")], "failed", "within label b 14 lost and 0 gained of 60",
    ),
    "a loss that chance explains": (
        [*part(400, 5, 5, channel="mail"), *part(60, 6, 1, channel="chat")], "passed", "none of 3 slices",
    ),
    "too small to judge": (part(19, 15, 0, channel="chat"), "inconclusive", "no slice has 20 items"),
    "small beside large": (
        [*part(60, 0, 0, channel="mail"), *part(9, 3, 0, channel="chat")], "passed",
        "Too small to judge (under 20 items): channel chat.",
    ),
    "a loss within the margin": (part(4000, 80, 20, "a"), "passed", "none of 1 slices"),
    "golden items have no channel": (part(60, 20, 0, split="golden"), "failed", "label a 20 lost and 0 gained of 60"),
    "live's errors alone": (part(60, 0, 60, served="z", channel="chat"), "inconclusive", "errors of live alone"),
    "no live adapter": ([], "inconclusive", "no live adapter"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_each_label_and_each_value_of_a_column_is_judged_by_itself(case: str) -> None:
    """By the exact test, its error shared; the verdict follows from its evidence alone."""
    answers, outcome, words = CASES[case]
    verdict = decide_slices(answers, BY_CHANNEL, 0.05)
    assert (verdict.outcome, words in verdict.reason) == (outcome, True), verdict.reason
    again = decide_from_evidence(json.loads(json.dumps(verdict.evidence)))
    assert (again.outcome, again.reason) == (outcome, verdict.reason)


def test_what_could_have_been_seen_is_in_the_verdict() -> None:
    """A tenth of ten slices hides a loss of 5 points at 60 items and shows it at 500 (exact)."""
    assert power_of_loss(60, 0.08, 0.05, 0.005 / 10) < 0.02
    assert power_of_loss(500, 0.08, 0.05, 0.005 / 10) == pytest.approx(0.755, abs=0.01)
    assert power_of_loss(3000, 0.3, 0.05, 0.0005) > 0.9
    assert power_of_loss(9, 0.0, 0.0, 0.0005) == 0
    verdict = decide_slices([*part(500, 20, 20, channel="mail"), *part(60, 2, 2, channel="chat")], BY_CHANNEL, 0.05)
    assert verdict.reason.endswith("A loss of 5 points in one of them would be seen in 0 to 91 % of weeks.")


def test_a_slice_that_vanished_is_named_and_one_that_chance_explains_is_not() -> None:
    """By what the cycle before had of it; the label of a test item counts, golden ones always occur."""
    before = {"channel": {"mail": 300, "chat": 40, "fax": 2}, "label": {"a": 300, "b": 42}, "country": {"fr": 9}}
    verdict = decide_slices(part(120, 0, 0, channel="mail"), BY_CHANNEL, 0.05, before=before)
    assert verdict.evidence["vanished"] == ["channel chat", "label b"]
    assert "Vanished since: channel chat, label b." in verdict.reason


def test_many_values_of_a_column_take_no_error_from_the_large_ones_and_are_not_named() -> None:
    """Fifty of a column at most, the largest; a value of under five items, such as a person's name, is only counted."""
    answers = [each for i in range(70) for each in part(20 + i, 0, 0, channel=f"c{i:02}")]
    people = [each for i in range(9) for each in part(4, 0, 0, channel=f"ann{i}@example.com")]
    verdict = decide_slices([*answers, *people], BY_CHANNEL, 0.05)
    assert len(verdict.evidence["power"]) == 51
    assert verdict.evidence["unnamed"] == {"channel": 29}
    assert "Too small to judge (under 20 items): 29 more of channel." in verdict.reason
    assert not {"c00", "example.com"} & set(json.dumps(verdict.evidence).replace('"', " ").replace("@", " ").split())


def test_the_values_of_a_column_are_read_as_text_and_none_is_left_out() -> None:
    """Numbers and truths as JSON writes them in Python; nothing for nulls, empty text and rows without columns."""
    extra = json.dumps({"channel": 3, "country": None, "shop": "", "long": "x" * 99})
    assert read_metadata(extra, ("channel", "country", "shop", "long", "else")) == {"channel": "3", "long": "x" * 60}
    assert read_metadata(None, ("channel",)) == read_metadata(extra, ()) == {}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"columns": ("label",)}, "slices.columns names 'label'"),
        ({"columns": ("a", "a")}, "names a column twice"),
        ({"min_items": 0}, "slices.min_items"),
    ],
)
def test_a_wrong_setting_is_an_error_that_names_it(given: dict[str, object], words: str) -> None:
    """Labels are slices in any case, and no column counts twice."""
    with pytest.raises(RatchetError, match=words):
        Slices(**given)  # type: ignore[arg-type]
