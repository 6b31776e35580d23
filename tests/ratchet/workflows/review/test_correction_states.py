"""State of each correction: why it counts, or not."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ratchet.data.label_rules import RENAME, RETIRE, LabelRule, LabelRules
from ratchet.workflows.review.correction_states import (
    CHECKED,
    COUNTS,
    REPLACED,
    SUSPENDED,
    UNLISTED,
    describe_corrections,
)

PEOPLE = {"ann": ("a@example.org",), "bob": (), "eve": (), "kim": ()}
LEFT_OUT = {"kim": {"annotator": "kim", "right": 2, "measured": 9}}
LATER = datetime(2026, 2, 1, tzinfo=UTC)
RULES = LabelRules((
    LabelRule(RENAME, ("amber",), ("gold",), LATER),
    LabelRule(RETIRE, ("violet",), (), LATER),
))  # fmt: skip


def row(annotator: str, label: str | None = "green", **more: Any) -> dict[str, Any]:
    """A correction as it was stored."""
    return {"annotator": annotator, "label": label, "saw_prediction": False, "ts": "2026-01-05T10:00:00+00:00", **more}


@pytest.mark.parametrize(
    ("rows", "states"),
    [
        ([row("ann"), row("bob")], [COUNTS, COUNTS]),
        ([row("ann"), row("a@example.org"), row("ann", None, answer="withdrawn")], [REPLACED, REPLACED, COUNTS]),
        ([row("ann"), row("ann", chosen="check")], [COUNTS, CHECKED]),
        ([row("stranger"), row("eve")], [UNLISTED, SUSPENDED]),
        ([row("kim")], ["left out with the person's other labels of the week: right on 2 of 9 decided requests"]),
    ],
    ids=["two", "newer", "check", "nobody", "left-out"],
)
def test_each_correction_says_whether_it_counts(rows: list[dict[str, Any]], states: list[str]) -> None:
    """The last that arrived of a person does, whatever its time says, unless the person or the vote never counts."""
    assert [each["state"] for each in describe_corrections(rows, PEOPLE, ["eve"], LEFT_OUT, RULES)] == states


def test_a_label_of_before_is_read_by_the_rules() -> None:
    """Renamed and retired; one that stands for itself needs no word."""
    found = describe_corrections([row("ann", each) for each in ("amber", "violet", "green")], PEOPLE, [], {}, RULES)
    assert [each["label_now"] for each in found] == ["gold", "no label: it is retired", None]
