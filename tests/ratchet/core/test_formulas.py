"""Cells that a spreadsheet would compute are guarded; all others stay as they are."""

import pytest

from ratchet.core.formulas import guard_formula

BEGINS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
PLAIN = ("a=1", "refund - please", "'quoted", "", " ", "1.5", "Überweisung")


@pytest.mark.parametrize("begin", BEGINS, ids=[f"U+{ord(each):04X}" for each in BEGINS])
def test_a_cell_that_begins_like_a_formula_gets_an_apostrophe(begin: str) -> None:
    """Spaces and marks that a spreadsheet passes over do not hide it."""
    for before in ("", " ", "\ufeff", "\u200b\u00a0"):
        cell = f"{before}{begin}cmd|' /C calc'!A0"
        assert guard_formula(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", PLAIN, ids=range(len(PLAIN)))
def test_any_other_cell_stays(cell: str) -> None:
    """Only the first sign counts."""
    assert guard_formula(cell) == cell
