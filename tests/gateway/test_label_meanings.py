"""Answers of live and candidate that differ by name alone: no disagreement, and nothing to review."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.label_meanings import means_same
from gateway.serving.slots import SlotChoice
from ratchet.config.spec import Label, Spec
from ratchet.data.label_rules import MERGE, RENAME, RETIRE, SPLIT, LabelRule
from ratchet.storage.home import Home
from ratchet.storage.review.label_rules import LabelRuleFile

AT = datetime(2026, 3, 1, tzinfo=UTC)
SPEC = Spec("small", (Label("a"), Label("b")))


@dataclass
class Adapter:
    """An adapter of which only its labels are asked."""

    labels: tuple[str, ...]


CASES: dict[str, tuple[LabelRule | None, str, str, str, str, bool]] = {
    # rule, labels and answer of live, those of the candidate, one meaning
    "equal": (None, "ab", "a", "ab", "a", True),
    "different": (None, "ab", "a", "ab", "b", False),
    "renamed": (LabelRule(RENAME, ("a",), ("n",), AT), "ab", "a", "nb", "n", True),
    "renamed, and another answer": (LabelRule(RENAME, ("a",), ("n",), AT), "ab", "a", "nb", "b", False),
    "merged": (LabelRule(MERGE, ("a", "b"), ("b",), AT), "abx", "a", "bx", "b", True),
    "a part": (LabelRule(SPLIT, ("a",), ("a", "n"), AT), "ab", "a", "abn", "n", True),
    "another part, both of after": (LabelRule(SPLIT, ("a",), ("a", "n"), AT), "abn", "a", "abn", "n", False),
    "retired": (LabelRule(RETIRE, ("a",), (), AT), "ab", "a", "bx", "b", False),
}


@pytest.mark.parametrize("case", CASES)
def test_two_answers_mean_one_label_by_the_rules_of_the_home(tmp_path: Path, case: str) -> None:
    """Each adapter's answer is read by its own labels; a failure to answer means nothing."""
    rule, mine, answer, theirs, other, same = CASES[case]
    if rule is not None:
        LabelRuleFile(Home(tmp_path), "small").record("test", lambda _: rule)
    live, candidate = (
        SlotChoice("live", labels * 32, Adapter(tuple(labels)), SPEC)  # type: ignore[arg-type]
        for labels in (mine, theirs)
    )
    assert means_same(Home(tmp_path), "small", (live, answer), (candidate, other)) is same
    assert not means_same(Home(tmp_path), "small", (live, answer), (candidate, None))
