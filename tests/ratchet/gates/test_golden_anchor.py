"""Slow drift is judged by the adapter that was live 13 weeks ago, as the warehouse and the label rules have it."""

from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd

from ratchet.data.label_rules import LabelRule, LabelRules
from ratchet.gates.golden_anchor import ANCHOR_SQL, Anchor, anchor_evidence, read_anchor
from ratchet.ingest.rebuild import open_warehouse
from ratchet.storage.home import Home
from ratchet.storage.warehouse import Warehouse

WEEK = date(2026, 3, 2)
ITEMS = [("one", "a"), ("two", "b"), ("three", "a")]
OLD, NEW = "1" * 64, "2" * 64


def store(warehouse: Warehouse, name: str, weeks: dict[str, list[tuple[str, str, list[str]]]]) -> None:
    """Store (model, adapter, predictions) of each week, on golden and on test items."""
    for week, models in weeks.items():
        rows = [
            (model, adapter, split, f"{split}-{i}", text, label, predicted)
            for model, adapter, answers in models
            for split in ("golden", "test")
            for i, ((text, label), predicted) in enumerate(zip(ITEMS, answers, strict=True), start=1)
        ]
        names = ["model", "adapter", "split", "item", "text", "label", "predicted"]
        day = date.fromisoformat(week)
        frame = pd.DataFrame(rows, columns=names).assign(classifier=name, week=day, confidence=1.0)
        warehouse.replace("predictions", name, day, frame)


A, B = ["a", "b", "a"], ["b", "b", "a"]
CASES: dict[str, tuple[dict[str, list[tuple[str, str, list[str]]]], str, str, tuple[str, ...]]] = {
    "live of 13 weeks ago": (
        {
            "2025-12-01": [("live", OLD, A), ("candidate", NEW, B), ("live_again", NEW, B)],
            "2026-02-23": [("live", NEW, B)],
        },
        "", "2025-12-01", ("a", "b", "a"),
    ),
    "a candidate that became live later, where nothing was": (
        {"2025-12-01": [("candidate", OLD, B)], "2025-12-08": [("live", OLD, B)]}, "", "2025-12-01", ("b", "b", "a"),
    ),
    "the newest week so old": (
        {"2025-09-01": [("live", NEW, A)], "2025-11-24": [("live", OLD, B)], "2025-12-08": [("live", NEW, A)]},
        "", "2025-11-24", ("b", "b", "a"),
    ),
    "twelve weeks are too few": ({"2025-12-08": [("live", OLD, A)]}, "young", "", ()),
    "a candidate that never was live": ({"2025-12-01": [("candidate", NEW, A)]}, "young", "", ()),
    "live is that adapter": ({"2025-12-01": [("live", "9" * 64, A)]}, "live", "2025-12-01", ()),
}  # fmt: skip


def test_the_anchor_is_the_adapter_that_was_live_then(tmp_path: Path) -> None:
    """Of the newest week that is 13 weeks old; live rather than a candidate; golden answers alone."""
    warehouse = open_warehouse(Home(tmp_path), "tickets")
    for number, (case, (weeks, missing, week, answers)) in enumerate(CASES.items()):
        store(warehouse, f"case-{number}", weeks)
        rows = warehouse.frame(ANCHOR_SQL, {"classifier": f"case-{number}", "week": WEEK}).to_dict("records")
        anchor = read_anchor(rows, ITEMS, "9" * 64, LabelRules(), weeks=["2025-12-08"], week=WEEK)
        assert (anchor.missing, anchor.week, anchor.answers) == (missing, week, answers), case


RENAMED = LabelRules(
    (
        LabelRule("rename", ("a",), ("card",), datetime(2026, 1, 1, tzinfo=UTC)),
        LabelRule("split", ("b",), ("b1", "b2"), datetime(2026, 1, 2, tzinfo=UTC)),
    )
)


def test_items_and_labels_that_changed_since_are_read_as_they_are_now() -> None:
    """A renamed label is the same item; one whose label was split, or whose text is new, is another and left out."""
    rows = [
        {"week": "2025-12-01", "adapter": OLD, "text": text, "label": label, "predicted": predicted}
        for text, label, predicted in (("one", "a", "a"), ("two", "b", "b"), ("three", "a", "b"))
    ]
    now = [("one", "card"), ("two", "b1"), ("three", "card"), ("four", "card")]
    anchor = read_anchor(rows, now, NEW, RENAMED, weeks=[], week=WEEK)
    assert (anchor.missing, anchor.answers) == ("", ("card", None, "b1", None))
    evidence = anchor_evidence(anchor, [("card", "b1"), ("b1", "b1"), ("card", "card"), ("card", "card")])
    assert (evidence["n"], evidence["left_out"]) == (2, 2)
    assert evidence["classes"] == {"card": {"n": 2, "lost": 1, "gained": 1}}


def test_an_anchor_that_is_missing_says_why() -> None:
    """Answers that a rebuild of the warehouse took, and a golden set of other items."""
    assert read_anchor([], ITEMS, NEW, LabelRules(), weeks=["2025-12-01"], week=WEEK).missing == "gone"
    assert read_anchor([], ITEMS, NEW, LabelRules(), weeks=["2025-12-08"], week=WEEK).missing == "young"
    rows = [{"week": "2025-12-01", "adapter": OLD, "text": "other", "label": "a", "predicted": "a"}]
    assert read_anchor(rows, ITEMS, NEW, LabelRules(), weeks=[], week=WEEK).missing == "changed"
    assert anchor_evidence(Anchor("gone"), []) == {"missing": "gone", "adapter": "", "week": ""}
