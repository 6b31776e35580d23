"""Python and DuckDB call the same texts blank."""

import unicodedata

import duckdb
import pytest

from ratchet.core.blank_text import blank_sql, is_blank


def test_gateway_and_intake_agree_on_every_character() -> None:
    """Each code point alone, but for NUL, which intake refuses by itself, and surrogates, which no text has."""
    points = [point for point in range(1, 0x110000) if not 0xD800 <= point <= 0xDFFF]
    with duckdb.connect() as connection:
        found = connection.execute(
            f"SELECT point FROM (SELECT unnest(?::INT[]) AS point) WHERE {blank_sql('chr(point)')} ORDER BY point",
            [points],
        ).fetchall()
    blank = {point for (point,) in found}
    assert blank == {point for point in points if is_blank(chr(point))}
    missed = [point for point in points if unicodedata.category(chr(point)) in {"Zs", "Zl", "Zp", "Cc", "Cf"}]
    assert set(missed) <= blank, "whatever Unicode calls a space or a control is blank"


@pytest.mark.parametrize(
    ("text", "blank"),
    [
        ("", True), (" \t\n", True), ("\u200b", True), ("\u200b\ufeff \u2060", True), ("\u3164", True),
        ("\u2800", True),
        ("\U000e0041", True), ("\x00", True), ("a", False), ("\u200ba", False), ("\u00e9", False), (".", False),
        ("\U0001f600", False), ("\u0301", False),
    ],
)  # fmt: skip
def test_a_text_in_which_nothing_is_seen_is_blank(text: str, blank: bool) -> None:
    """Zero-width characters, fillers and controls, alone and together."""
    assert is_blank(text) is blank
