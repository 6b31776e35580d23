"""Keys of the keyboard for labels and actions, the same at the page and at the terminal.

Add here a key of another action; it must not be one of a label.
"""

from collections.abc import Sequence
from string import ascii_lowercase, ascii_uppercase
from typing import Final

UNDO, NOTE, HELP, SKIP = "u", "n", "?", " "
NONE, CANNOT_TELL = "-", "."
"""Keys of the two answers in place of a label."""
_LETTERS: Final = "".join(letter for letter in ascii_lowercase + ascii_uppercase if letter.lower() not in {UNDO, NOTE})
LABEL_KEYS: Final = "1234567890" + _LETTERS
"""Keys of labels in their order: digits as they lie on the keyboard, then letters that mean nothing else."""


def keys_of(labels: Sequence[str]) -> dict[str, str]:
    """Return the key of each label, in the order of the labels; the labels after the 58th have none."""
    return dict(zip(labels, LABEL_KEYS, strict=False))
