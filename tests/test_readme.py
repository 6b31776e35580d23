"""The first screen of README.md: its output is that of a command, its pictures are small, and it stays short."""

from benchmarks.screenshot import FOLDER, MAX_BYTES, SCHEMES
from benchmarks.settings_page import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_its_first_output_is_that_of_a_page_that_is_run() -> None:
    """Twelve lines of the page on a year, whose commands a test of `ratchet history` runs and compares."""
    shown = README.partition("```console\n")[2].partition("```")[0]
    assert len(shown.splitlines()) == 12
    assert shown in (ROOT / "docs/how-to/read_a_year.md").read_text(encoding="utf-8")


def test_its_pictures_are_there_in_light_and_dark_and_small() -> None:
    """`make screenshot` takes them again."""
    for scheme in SCHEMES:
        path = f"{FOLDER}/home_{scheme}.png"
        assert path in README
        assert 0 < (ROOT / path).stat().st_size < MAX_BYTES


def test_it_is_short() -> None:
    """What is longer belongs into the manual."""
    assert len(README.splitlines()) <= 200
