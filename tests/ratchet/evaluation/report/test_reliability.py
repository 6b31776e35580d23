"""The reliability diagram puts bins where they belong and says in words what they show."""

from ratchet.evaluation.report.reliability import draw_reliability


def bins(*rows):
    """Bins of (count, confidence, accuracy, low, high)."""
    return [dict(zip(("count", "confidence", "accuracy", "low", "high"), row, strict=True)) for row in rows]


def test_both_sides_share_axes_that_hold_every_bin():
    """The lowest interval of either side decides; the diagonal stays a diagonal."""
    before, after = bins((10, 0.9, 0.7, 0.5, 0.8)), bins((10, 0.8, 0.7, 0.55, 0.9))
    metrics = {"reliability": {"before": before, "after": after}, "ece": 0.1, "ece_raw": 0.2}
    panels = [draw_reliability(metrics, "test", side) for side in ("before", "after")]
    assert [(p["across"].low, p["up"].low, p["up"].high) for p in panels] == [(0.4, 0.4, 1.0)] * 2
    assert [p["across"].at(0.7) - p["across"].start == p["up"].start - p["up"].at(0.7) for p in panels] == [True, True]


def test_the_sentence_names_the_figure_and_the_bins_beyond_chance():
    """One overconfident bin, one underconfident, one within chance."""
    rows = bins((9, 0.99, 0.7, 0.5, 0.8), (9, 0.5, 0.8, 0.7, 0.9), (9, 0.75, 0.75, 0.6, 0.9))
    metrics = {"reliability": {"before": rows, "after": []}, "ece": 0.123, "ece_raw": 0.2}
    said = draw_reliability(metrics, "test", "before")["sentence"]
    assert "ECE 0.200; 1 overconfident and 1 underconfident of 3 bins beyond chance." in said


def test_without_bins_there_is_no_drawing():
    """Missing metrics, a missing side and an empty side are the same: nothing to draw."""
    assert draw_reliability(None, "test", "before") is None
    assert draw_reliability({}, "test", "before") is None
    assert draw_reliability({"reliability": {"before": []}}, "test", "before") is None


def test_bars_are_as_tall_as_their_counts():
    """The fullest bin fills the strip."""
    rows = bins((40, 0.9, 0.9, 0.8, 1.0), (10, 0.5, 0.5, 0.3, 0.7))
    panel = draw_reliability({"reliability": {"before": rows}}, "test", "before")
    assert [point["bar"] for point in panel["points"]] == [34.0, 8.5]
