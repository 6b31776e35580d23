"""Candidate beside live: difference, interval and margin lie where their figures say."""

import pytest

from ratchet.evaluation.report.comparison import draw_differences, draw_scores


def test_difference_interval_and_margin_share_one_axis():
    """Zero in the middle, the margin on live's side, the interval around the difference."""
    drawing = draw_differences({"test": {"macro_f1_difference": 0.01, "ci": [-0.03, 0.05], "margin": 0.02}})
    (row,) = drawing["rows"]
    low, high = drawing["across"].start, drawing["across"].end
    assert drawing["zero"] == pytest.approx((low + high) / 2)
    assert low < row["ends"][0] < row["margin_x"] < drawing["zero"] < row["x"] < row["ends"][1] < high
    assert "+0.010 (95 % interval \u22120.030 to +0.050, margin \u22120.020)" in drawing["sentence"]


@pytest.mark.parametrize("comparison", [None, {}, {"test": None}, {"test": {"macro_f1_difference": None}}])
def test_nothing_compared_is_nothing_drawn(comparison):
    """No empty axis that looks like a tie."""
    assert draw_differences(comparison) is None


def test_equal_models_can_be_drawn():
    """A difference of exactly nothing, without an interval or a margin, still has an axis."""
    (row,) = draw_differences({"test": {"macro_f1_difference": 0.0}})["rows"]
    assert (row["ends"], row["margin_x"]) == (None, None)


def test_scores_are_candidate_live_then_baselines_by_rank(usual):
    """Each row carries the key of its figure."""
    rows = draw_scores(usual)["rows"]
    assert [row["kind"] for row in rows] == ["candidate", "live"] + ["baseline"] * 4
    values = [row["value"] for row in rows[2:]]
    assert values == sorted(values, reverse=True)
    assert rows[2]["key"] == "baselines.linear_probe.macro_f1"


def test_no_word_from_the_data_enters_the_sentence():
    """The sentence is an attribute; a baseline of unknown name is not named in it."""
    document = {"metrics": {"test": {"macro_f1": 0.5}}, "baselines": {"javascript:x": {"macro_f1": 0.4}}}
    assert draw_scores(document)["sentence"] == "Macro-F1 on the test split: candidate 0.500, another baseline 0.400."
