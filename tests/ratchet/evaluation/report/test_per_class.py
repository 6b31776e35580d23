"""Rows by label: spread over the splits, and quality on the test split."""

from ratchet.evaluation.report.per_class import judge_labels, list_splits, span_labels, spread_labels


def test_shares_are_drawn_against_the_largest():
    """A label that a split never saw is a share of nothing; a split that is missing is no share."""
    rows = spread_labels(
        {"labels": ["a", "b"], "splits": {"train": {"classes": {"a": 1, "b": 3}}, "test": {"classes": {"b": 2}}}}
    )
    assert [row["label"] for row in rows] == ["b", "a"]
    assert rows[1]["reach"] == {"train": 0.25, "test": 0.0}
    assert spread_labels({"labels": ["a"], "splits": {"test": {"classes": {"a": 2}}}})[0]["reach"]["train"] is None


def test_a_label_outside_the_specification_is_listed_too():
    """What the data hold is shown, wanted or not."""
    assert [row["label"] for row in spread_labels({"labels": [], "splits": {"train": {"classes": {"odd": 1}}}})] == [
        "odd"
    ]


def test_splits_come_in_the_order_of_the_house():
    """Empty ones are not listed."""
    assert list_splits({"splits": {"golden": {"n": 1}, "test": {"n": 1}, "calibration": None}}) == ["test", "golden"]


def test_the_weakest_label_comes_first_and_the_unseen_last():
    """And the drawing begins at the tenth below all of them."""
    row = {"support": 5, "f1_ci": [0.52, 0.9]}
    metrics = {
        "test": {"per_class": {"a": {**row, "f1": 0.9}, "b": {**row, "f1": 0.6}, "c": {"support": 0, "f1": 0.0}}}
    }
    judged = judge_labels({"labels": ["a", "b", "c"], "metrics": metrics})
    assert [(found["label"], found["occurs"]) for found in judged] == [("b", True), ("a", True), ("c", False)]
    assert span_labels(judged).low == 0.5
    assert span_labels([]).low == 0.0
