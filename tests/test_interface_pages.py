"""The pages of routes, metrics, tables and checks are what the code says."""

import pytest

from benchmarks import errors_page
from benchmarks.interface_pages import PAGES
from benchmarks.settings_page import ROOT
from ratchet.gates.registry import GATES


@pytest.mark.feature(40)
@pytest.mark.parametrize("page", PAGES)
def test_the_page_is_what_the_code_says(page: str) -> None:
    """`make reference` updates it."""
    assert (ROOT / page).read_text(encoding="utf-8") == PAGES[page](), "run 'make reference'"


def test_every_gate_has_an_anchor_and_says_when_it_passes() -> None:
    """The heading is its name."""
    text = PAGES["docs/reference/checks.md"]()
    for name in GATES:
        section = text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        assert "asses" in section, name


@pytest.mark.feature(40)
def test_every_code_of_an_error_has_an_anchor() -> None:
    """With the sentences that carry it."""
    text = (ROOT / errors_page.PAGE).read_text(encoding="utf-8")
    assert text == errors_page.render(), "run 'make reference'"
    found = errors_page.find_errors()
    assert len(found) > 50
    assert all(f"\n## {code}\n" in text for code in found)
