"""The sparkline: a week without a figure is a gap, and a small change looks small."""

from typing import Any

from ratchet.workflows.overview.page.sparkline import HEIGHT, MARGIN, draw_sparkline


def week(day: str, test: float | None, golden: float | None = 0.9, verdict: str = "passed") -> dict[str, Any]:
    """One week of an overview."""
    return {"week": day, "verdict": verdict, "test": test, "golden": golden}


def test_a_week_without_a_figure_is_a_gap() -> None:
    """The line begins again after it; a blocked week has a mark."""
    found = draw_sparkline([
        week("2026-01-05", 0.8), week("2026-01-12", None, verdict="blocked"), week("2026-01-19", 0.85),
    ])  # fmt: skip
    assert found is not None
    assert [line.name for line in found.lines] == ["test", "golden"]
    assert found.lines[0].path.count("M") == 2
    assert found.lines[1].path.count("M") == 1
    assert len(found.blocked) == 1
    assert "1 blocked" in found.words


def test_a_change_of_a_thousandth_is_drawn_small() -> None:
    """The axis spans at least five points, so that noise is no fall."""
    found = draw_sparkline([week("2026-01-05", 0.900, None), week("2026-01-12", 0.899, None)])
    assert found is not None
    heights = [float(part.split(" ")[1]) for part in found.lines[0].path[1:].split("L")]
    assert abs(heights[0] - heights[1]) < (HEIGHT - 2 * MARGIN) / 20


def test_without_figures_there_is_no_drawing() -> None:
    """No week, or weeks that were all blocked before a model was made."""
    assert draw_sparkline([]) is None
    assert draw_sparkline([week("2026-01-05", None, None, "blocked")]) is None
