"""The measurement of the gates: its figures, its table, and the second writing of the betting test."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.gates.drawing import draw
from benchmarks.gates.figures import Curve, Measured, Plot, agrees, counted, exact, number, over_a_year
from benchmarks.gates.page import BEGIN, END, PAGE, write
from benchmarks.gates.walks import first_crossings, wealth_of
from ratchet.metrics.betting import crossing_probability, evidence_not_worse, evidence_worse

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("figure", "written", "met"),
    [
        (exact("a", 0.00058, at_most=0.05), "0.058 % (exact)", True),
        (exact("a", 0.9, at_least=0.95), "90.0 % (exact)", False),
        (counted("a", 0, 1000, at_most=0.0), "0.0 % [0.0 %, 0.37 %]", True),
        (counted("a", 80, 100, at_least=0.9), "80.0 % [70.8 %, 87.3 %]", False),
        (number("a", 95, "labels", at_most=120), "95 labels (exact)", True),
        (over_a_year(exact("a", 0.001), 52, "b", at_most=0.05), "5.1 % (exact)", False),
        (agrees("a", 50, 1000, 0.05), "5.0 % [3.7 %, 6.5 %]", True),
        (agrees("a", 50, 1000, 0.10), "5.0 % [3.7 %, 6.5 %]", False),
    ],
)
def test_a_figure_says_its_interval_and_whether_its_demand_is_met(figure: object, written: str, met: bool) -> None:
    """Shares in percent, with the digits that tell them apart; what was computed says so."""
    assert (figure.write(), figure.met) == (written, met)  # type: ignore[attr-defined]


def test_the_table_is_written_between_its_marks_alone(tmp_path: Path) -> None:
    """Text before and after stays as it is, a missed demand stands out, and a row that is measured alone keeps the
    others."""
    (tmp_path / "docs" / "explanation").mkdir(parents=True)
    (tmp_path / PAGE).write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    plot = Plot("a_plot", "A & b", "n", "%", (Curve("one", ((0, 1), (10, 3))),), 2.0)
    found = {1: Measured((exact("worse", 0.2, at_most=0.05),), (plot,))}
    write(tmp_path, found, {1: "the row"})
    text = (tmp_path / PAGE).read_text()
    assert text.startswith(f"before\n{BEGIN}\n| row")
    assert text.endswith(f"{END}\nafter\n")
    assert "| 1 | **1** the row: worse | 20.0 % (exact) | at most 5 % | **no** |" in text
    assert "old" not in text
    assert "(gates/a_plot.svg)" in text
    drawn = (tmp_path / "docs/explanation/gates/a_plot.svg").read_text()
    assert (drawn[:5], drawn[-7:]) == ("<svg ", "</svg>\n")
    assert "<title>A &amp; b</title>" in drawn
    assert draw(plot) == draw(plot)
    write(tmp_path, {2: Measured((exact("other", 0.5),))}, {1: "the row", 2: "another"})
    again = (tmp_path / PAGE).read_text()
    assert "| 2 | **2** another: other | 50.0 % (exact) |  |  |" in again
    assert "| 1 | **1** the row: worse | 20.0 % (exact) | at most 5 % | **no** |" in again
    assert (tmp_path / "docs/explanation/gates/a_plot.svg").read_text() == drawn


def test_a_page_without_its_marks_is_left_alone(tmp_path: Path) -> None:
    """The error names the line that is gone."""
    (tmp_path / "docs" / "explanation").mkdir(parents=True)
    (tmp_path / PAGE).write_text(f"{BEGIN}\n")
    with pytest.raises(ValueError, match="lacks the line <!-- end bench-gates"):
        write(tmp_path, {}, {})


@pytest.mark.parametrize("worse", [False, True])
def test_the_second_writing_of_the_test_agrees_with_the_product(worse: bool) -> None:
    """Evidence of a sequence, and the share of 4,000 walks that cross beside the exact chance."""
    scores, theirs = [0, 1, -1, 0, 1, 1], evidence_worse if worse else evidence_not_worse
    ours = np.prod([wealth_of(score, 0.02, worse=worse) for score in scores], axis=0).mean()
    assert ours == pytest.approx(theirs(1, 3, 6, 0.02), rel=1e-12)
    chances = (0.2, 0.05) if worse else (0.05, 0.2)
    computed = crossing_probability(*chances, 60, 0.02, 20.0, worse=worse)
    crossed, labels = first_crossings(*chances, 60, 0.02, 20.0, 4000, worse=worse)
    assert agrees("", int((crossed > 0).sum()), 4000, computed).met
    assert (labels <= crossed).all()


def test_a_row_that_nobody_knows_is_wrong_usage() -> None:
    """The command says which rows there are."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gates", "99"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 2
    assert "99" in done.stderr
