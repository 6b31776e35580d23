"""Names that users choose, checked before they become a path, a key or a column value.

Add here rules for the form of a name; the stores know which names exist.
"""

import difflib
import re
from collections.abc import Iterable

from ratchet.core.errors import UsageError

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
RESERVED = frozenset({"dagster", "demo"})
"""Folders of a home that do not belong to a classifier."""
DIGEST = re.compile(r"[0-9a-f]{64}")
ANSWERS = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\.(jsonl|parquet)")
"""File name of a teacher's answers, in the classifier's folder `teachers`."""


def check_name(name: str, what: str = "classifier name") -> str:
    """Return `name` if it is safe as a folder name and a flag key; otherwise raise `UsageError`."""
    if not NAME.fullmatch(name):
        raise UsageError(
            f"{what} {name[:80]!r} is not allowed.",
            "Use 1 to 63 lower-case letters, digits, '_' or '-', beginning with a letter or digit.",
            code="bad_name",
        )
    if name in RESERVED:
        raise UsageError(
            f"{what} {name!r} is reserved for a folder of the home.",
            f"Choose another name, for instance {name}_2.",
            code="bad_name",
        )
    return name


def nearest(word: str, known: Iterable[str]) -> str:
    """Return `Did you mean ...?` with the most similar known word, or '' when none is similar."""
    result = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"Did you mean {result[0]!r}?" if result else ""
