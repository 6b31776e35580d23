"""Meaning of labels of before: chains, cycles, names that go on, and rows of any time."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from ratchet.data.label_rules import ADD, MERGE, RENAME, RETIRE, SPLIT, LabelRule, LabelRules

DAY = datetime(2026, 3, 1, tzinfo=UTC)
Short = tuple[str, str, str]


def rules(*short: Short) -> LabelRules:
    """One rule a day: action, old and new names as letters."""
    return LabelRules(
        tuple(LabelRule(action, tuple(old), tuple(new), DAY + timedelta(days=n), sequence=n + 1)
              for n, (action, old, new) in enumerate(short))
    )  # fmt: skip


CHAIN = [(RENAME, "a", "b"), (RENAME, "b", "c")]
BACK = [(RENAME, "a", "b"), (RENAME, "b", "a")]
READ: dict[str, tuple[Sequence[Short], str, float | None, str, str]] = {
    # rules, name, day of the row (None: a file of now), label, parts
    "no rule": ([], "a", None, "a", "a"),
    "another label": (CHAIN, "x", 0.5, "x", "x"),
    "a chain": (CHAIN, "a", -1, "c", "c"),
    "a chain from its middle": (CHAIN, "b", 0.5, "c", "c"),
    "an old name in late use": (CHAIN, "a", 9, "c", "c"),
    "a new name before its rule": (CHAIN, "c", -1, "c", "c"),
    "there": (BACK, "b", None, "a", "a"),
    "and back": (BACK, "a", -1, "a", "a"),
    "back, of a row between": (BACK, "b", 0.5, "a", "a"),
    "round a third time": ([*BACK, (RENAME, "a", "b")], "a", -1, "b", "b"),
    "merged": ([(MERGE, "ab", "c")], "b", None, "c", "c"),
    "merged into one of them": ([(MERGE, "ab", "b")], "a", 5, "b", "b"),
    "the one that goes on": ([(MERGE, "ab", "b")], "b", -1, "b", "b"),
    "merged, then renamed": ([(MERGE, "ab", "c"), (RENAME, "c", "d")], "a", -1, "d", "d"),
    "retired": ([(RETIRE, "a", "")], "a", -1, "a", ""),
    "renamed, then retired": ([(RENAME, "a", "b"), (RETIRE, "b", "")], "a", 9, "b", ""),
    "retired, then added again": ([(RETIRE, "a", ""), (ADD, "", "a")], "a", -1, "a", "a"),
    "added": ([(ADD, "", "n")], "n", -1, "n", "n"),
    "split": ([(SPLIT, "a", "bc")], "a", -1, "a (split)", "bc"),
    "split, in late use": ([(SPLIT, "a", "bc")], "a", 9, "a (split)", "bc"),
    "a part": ([(SPLIT, "a", "bc")], "b", 9, "b", "b"),
    "split beside itself, of before": ([(SPLIT, "a", "ab")], "a", -1, "a (split)", "ab"),
    "split beside itself, of after": ([(SPLIT, "a", "ab")], "a", 0.5, "a", "a"),
    "split, then a part is renamed": ([(SPLIT, "a", "bc"), (RENAME, "c", "d")], "a", -1, "a (split)", "bd"),
    "split, then a part is split": ([(SPLIT, "a", "bc"), (SPLIT, "c", "de")], "a", -1, "a (split)", "bde"),
    "split, then a part is retired": ([(SPLIT, "a", "bc"), (RETIRE, "c", "")], "a", -1, "a (split)", "b"),
    "split, then the parts are merged": ([(SPLIT, "a", "bc"), (MERGE, "bc", "d")], "a", -1, "a (split)", "d"),
    "renamed, then split": ([(RENAME, "a", "b"), (SPLIT, "b", "cd")], "a", -1, "b (split)", "cd"),
}  # fmt: skip


@pytest.mark.parametrize("case", READ)
def test_the_meaning_of_a_name_on_a_row(case: str) -> None:
    """A name means what it meant when the row was written, or last before that, and what rules made of it since."""
    short, name, day, label, parts = READ[case]
    found = rules(*short).read(name, None if day is None else DAY + timedelta(days=day))
    assert (found.label, "".join(found.parts)) == (label, parts)
    assert (found.ended_at is not None) == (parts == "" or label.endswith("(split)"))
    for image in rules(*short).images():  # what the warehouse gets says the same
        at = DAY + timedelta(days=-1 if day is None else day)
        inside = (image.since is None or at >= image.since) and (image.until is None or at < image.until)
        if image.name == name and inside and day is not None:
            assert image.reading == found


ADAPTERS: dict[str, tuple[Sequence[Short], str, dict[str, str]]] = {
    "before a rename": ([(RENAME, "a", "b")], "ax", {"a": "b", "x": "x"}),
    "after it": ([(RENAME, "a", "b")], "bx", {"b": "b", "x": "x"}),
    "before a merge": ([(MERGE, "ab", "b")], "ab", {"a": "b", "b": "b"}),
    "before a split": ([(SPLIT, "a", "ab")], "ax", {"a": "ab", "x": "x"}),
    "after a split": ([(SPLIT, "a", "ab")], "abx", {"a": "a", "b": "b", "x": "x"}),
    "after a split, part renamed since": ([(SPLIT, "a", "ab"), (RENAME, "b", "c")], "ac", {"a": "a", "c": "c"}),
    "before a split, part renamed since": ([(SPLIT, "a", "ab"), (RENAME, "b", "c")], "ax", {"a": "ac", "x": "x"}),
    "with a retired label": ([(RETIRE, "a", "")], "ax", {"a": "", "x": "x"}),
}


@pytest.mark.parametrize("case", ADAPTERS)
def test_the_meaning_of_an_adapters_answers(case: str) -> None:
    """By the labels that it knows: the rows of its training had the meaning of then."""
    short, labels, meanings = ADAPTERS[case]
    assert {name: "".join(each.parts) for name, each in rules(*short).read_adapter(labels).items()} == meanings


def test_a_clock_that_was_set_back_changes_no_order() -> None:
    """Rules count in the order in which they were signed."""
    late, early = (
        LabelRule(RENAME, (old,), (new,), at) for old, new, at in (("a", "b", DAY), ("b", "c", DAY.replace(year=2020)))
    )
    assert LabelRules((late, early)).read("a", DAY - timedelta(days=1)).label == "c"
    assert [rule.at for rule in LabelRules((late, early)).rules] == [DAY, DAY]
