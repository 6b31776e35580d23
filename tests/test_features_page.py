"""The page of features is what the marks of the tests say, and no feature is without a test."""

from pathlib import Path

import pytest

from benchmarks.features_page import FEATURES, OPEN, PAGE, read_marks, render
from benchmarks.settings_page import ROOT


def test_the_page_is_what_the_marks_say() -> None:
    """`make reference` updates it after a mark moved."""
    assert (ROOT / PAGE).read_text(encoding="utf-8") == render(read_marks(ROOT / "tests")), "run 'make reference'"


def test_every_feature_has_a_test_or_is_said_to_have_none() -> None:
    """All forty-four; one that got its test leaves the list of those without."""
    assert list(FEATURES) == list(range(1, 45))
    assert [number for number, tests in read_marks(ROOT / "tests").items() if not tests] == sorted(OPEN)


def test_a_mark_of_an_unknown_number_is_refused(tmp_path: Path) -> None:
    """A typing error hides no feature."""
    (tmp_path / "test_planted.py").write_text("@pytest.mark.feature(45)\ndef test_one():\n    ...\n")
    with pytest.raises(ValueError, match="feature 45 is unknown"):
        read_marks(tmp_path)
