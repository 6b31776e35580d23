"""The rule of blank texts, one for Python and for SQL: a text in which nothing can be seen is not a text.

The gateway asks `is_blank`, intake `blank_sql`: both come from the one table of invisible characters here, so that
nothing is acknowledged that intake then rejects. Add here a character that draws nothing.
"""

import re

# Categories Z* and C* of Unicode without unassigned code points, then letters and marks that draw nothing either.
_RANGES = (
    (0x00, 0x20), (0x7F, 0xA0), (0xAD, 0xAD), (0x34F, 0x34F), (0x600, 0x605), (0x61C, 0x61C), (0x6DD, 0x6DD),
    (0x70F, 0x70F), (0x890, 0x891), (0x8E2, 0x8E2), (0x115F, 0x1160), (0x1680, 0x1680), (0x17B4, 0x17B5),
    (0x180B, 0x180F), (0x2000, 0x200F), (0x2028, 0x202F), (0x205F, 0x206F), (0x2800, 0x2800), (0x3000, 0x3000),
    (0x3164, 0x3164), (0xD800, 0xF8FF), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB),
    (0x110BD, 0x110BD), (0x110CD, 0x110CD), (0x13430, 0x1343F), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF), (0xF0000, 0x10FFFF),
)  # fmt: skip
_SURROGATES = (0xD800, 0xDFFF)  # RE2 has none: text in DuckDB is UTF-8

INVISIBLE = re.compile("[" + "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in _RANGES) + "]")
"""One character that draws nothing."""
_VISIBLE = re.compile("[^" + INVISIBLE.pattern[1:])


def is_blank(text: str) -> bool:
    """Return True for a text in which no character can be seen."""
    return _VISIBLE.search(text) is None


def blank_sql(text: str) -> str:
    """Return SQL that is true where `is_blank` is."""
    ranges = [(0xE000 if first == _SURROGATES[0] else first, last) for first, last in _RANGES]
    shown = "".join(f"\\x{{{first:x}}}-\\x{{{last:x}}}" for first, last in ranges)
    return f"NOT regexp_matches({text}, '[^{shown}]')"
