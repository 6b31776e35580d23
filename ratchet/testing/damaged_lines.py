"""Edits of a signed file of two lines, each with what its reader says, for tests of every such file.

Add an edit that the mechanism must see (`ratchet/storage/rollout/signed_chain.py`); edits of what a line says stand in
the test of its file.
"""

from collections.abc import Callable
from pathlib import Path

Damage = tuple[Callable[[Path], None], str]


def edit(old: str, new: str) -> Callable[[Path], None]:
    """Return an edit that replaces the first `old` of a file."""
    return lambda path: _write(path, path.read_text().replace(old, new, 1))


def keep(lines: slice) -> Callable[[Path], None]:
    """Return an edit that removes all other lines of a file."""
    return lambda path: _write(path, "".join(path.read_text().splitlines(keepends=True)[lines]))


def _write(path: Path, text: str) -> None:
    path.write_text(text)


def _edit_checkpoint(path: Path) -> None:
    edit("2", "1")(path.with_name(f"{path.stem}_checkpoint.txt"))


UNSIGNED = "is not signed with this home's key"
UNCHAINED = "does not continue the chain"
CUT = "holds {left} lines, but the signed checkpoint vouches for 2"
DAMAGE_OF_LINES: dict[str, Damage] = {
    "an edited digest": (edit('"digest": "', '"digest": "0'), UNCHAINED),
    "another signature": (edit('"signature": "', '"signature": "AAAA'), UNSIGNED),
    "a line that is not JSON": (edit("{", "["), "cannot be read"),
    "a line that is a list": (lambda path: _write(path, "[1]\n"), "cannot be read"),
    "a first line that was removed": (keep(slice(1, None)), UNCHAINED),
    "a last line that was removed": (keep(slice(-1)), CUT.format(left=1)),
    "all lines removed": (lambda path: path.unlink(), CUT.format(left=0)),
    "an edited checkpoint": (_edit_checkpoint, UNSIGNED),
}
