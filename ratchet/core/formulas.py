"""Guard of CSV cells that a spreadsheet would take for a formula.

Cells of every CSV that people open pass through here. Add another character by which a spreadsheet begins a formula.
"""

_BEGINS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def guard_formula(cell: str) -> str:
    """Return a cell that shows as it is: one that begins like a formula, spaces aside, gets an apostrophe in front."""
    begins = cell.startswith(_BEGINS) or cell.lstrip(" \u00a0\ufeff\u200b\x00").startswith(_BEGINS)
    return f"'{cell}" if begins else cell
