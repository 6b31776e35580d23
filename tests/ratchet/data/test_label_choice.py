"""A new label waits for its examples, and no label that live answers is left out."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pandas as pd
import pytest

from ratchet.config.policy import Limits
from ratchet.config.spec import Label, Spec
from ratchet.core.cycle import Cycle
from ratchet.core.errors import RatchetError
from ratchet.data.curation import Curated
from ratchet.data.label_choice import choose_labels, trained_labels
from ratchet.data.label_rules import MERGE, RENAME, RETIRE, SPLIT, LabelRule, LabelRules
from ratchet.data.sift import DROPPED_COLUMNS
from ratchet.data.split_checks import check_splits

SPEC = Spec("tickets", tuple(map(Label, "abcd")), limits=Limits(min_examples_per_class=2))
AT = datetime(2026, 3, 1, tzinfo=UTC)
CYCLE = Cycle("tickets", date(2026, 3, 2))


def curated(**counts: int) -> Curated:
    """Examples of train by label, and one of each label in calibration and test."""
    splits = [(split, label) for split in ("calibration", "test") for label in counts]
    splits += [("train", label) for label, n in counts.items() for _ in range(n)]
    examples = pd.DataFrame(splits, columns=["split", "label"])
    examples["request_id"] = [f"r{n}" for n in range(len(splits))]
    examples["text"] = examples["request_id"]
    examples["ts"] = pd.Timestamp("2026-03-02T10:00:00Z")
    examples["blind"], examples["origin"] = True, "request"
    return Curated(examples, pd.DataFrame(columns=DROPPED_COLUMNS), {})


CHOICES = {
    "every label of a first candidate": (None, {"a": 5, "b": 5}, "abcd", {}, ()),
    "new labels with too few examples, or none": ("ab", {"a": 5, "b": 5, "c": 1}, "ab", {"c": 1, "d": 0}, ()),
    "a new label with enough": ("ab", {"a": 5, "b": 5, "c": 2, "d": 3}, "abcd", {}, ()),
    "a label of live never waits": ("abc", {"a": 5, "b": 5, "d": 2}, "abcd", {}, ()),
    "a label of live that the file lacks": ("abx", {"a": 5, "b": 5}, "ab", {"c": 0, "d": 0}, ("x",)),
}  # fmt: skip


@pytest.mark.parametrize("case", CHOICES)
def test_labels_of_a_cycle(case: str) -> None:
    """By what live answers and what train holds."""
    live, counts, trained, waiting, orphaned = CHOICES[case]
    found = choose_labels(SPEC, curated(**counts), live)
    assert (found.trained, found.waiting, found.orphaned) == (tuple(trained), waiting, orphaned)


RULED: dict[str, tuple[LabelRule, str, str, tuple[str, ...]]] = {
    # rule, labels of live, those that wait, those that are missing
    "renamed": (LabelRule(RENAME, ("x",), ("c",), AT), "abx", "d", ()),
    "merged": (LabelRule(MERGE, ("x", "b"), ("b",), AT), "abx", "cd", ()),
    "split: its labels never wait": (LabelRule(SPLIT, ("x",), ("c", "d"), AT), "abx", "", ()),
    "retired": (LabelRule(RETIRE, ("x",), (), AT), "abx", "cd", ()),
    "renamed to a label that the file lacks": (LabelRule(RENAME, ("x",), ("z",), AT), "abx", "cd", ("z",)),
    "another one": (LabelRule(RENAME, ("y",), ("c",), AT), "abx", "cd", ("x",)),
}


@pytest.mark.parametrize("case", RULED)
def test_a_recorded_rule_is_what_may_leave_a_label_of_live_out(case: str) -> None:
    """A label of live stands for what it is called now, and that is never missing for want of its old name."""
    rule, live, waiting, orphaned = RULED[case]
    found = choose_labels(SPEC, curated(a=2, b=2), live, LabelRules((rule,)))
    assert ("".join(found.waiting), found.orphaned) == (waiting, orphaned)


def test_a_waiting_label_leaves_every_split_counted_and_stops_nothing() -> None:
    """Its rows are dropped with its name, and the cycle's notes name it to the stages that follow."""
    choice = choose_labels(SPEC, curated(a=3, b=3, c=1), "ab")
    found = choice.set_aside(curated(a=3, b=3, c=1))
    check_splits(found, SPEC.narrowed(choice.trained), CYCLE, choice.orphaned)
    assert set(found.examples["label"]) == {"a", "b"}
    assert found.describe()["dropped"] == {"waiting_label": 3}
    assert found.dropped["detail"][0] == "label 'c': the label is new and has too few examples; its rows wait"
    assert trained_labels(SPEC, {"data": found.describe()}) == ("a", "b")
    assert trained_labels(SPEC, {}) == SPEC.labels


def test_a_cycle_without_a_label_of_live_stops_with_its_name() -> None:
    """So that a renamed label does not silently answer something else."""
    with pytest.raises(RatchetError, match=r"live answers 'x', which classifier\.toml does not list") as caught:
        check_splits(curated(a=3, b=3), SPEC, CYCLE, ("x",))
    assert caught.value.code == "label_of_live"


def test_a_label_of_live_with_too_few_examples_stops_the_cycle_as_before() -> None:
    """It may not wait: its requests would get another answer."""
    choice = choose_labels(SPEC, curated(a=3, b=1), "ab")
    with pytest.raises(RatchetError, match=r"too few training examples: \{'b': 1\}"):
        check_splits(curated(a=3, b=1), SPEC.narrowed(choice.trained), CYCLE)


def test_a_narrowed_specification_keeps_its_digest() -> None:
    """Receipts are of the whole file, whichever labels waited."""
    spec = replace(SPEC).of_file({"label": [{"name": label} for label in "abcd"]})
    assert spec.narrowed("ab").labels == ("a", "b")
    assert spec.narrowed("abc").narrowed("ab").digest == spec.digest
    assert spec.narrowed("ab").digests == spec.digests
