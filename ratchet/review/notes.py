"""Notes beside an answer, as they are kept: for who adjudicates.

Add here what a note may not hold; it is stored as a column of the correction.
"""

import re

from ratchet.data.records import MAX_NOTE_CHARS

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def clean_note(note: str) -> str:
    """Return a note with plain line breaks and no space around it; raises ValueError for control characters and
    length."""
    note = note.replace("\r\n", "\n").strip()
    if _CONTROL.search(note):
        raise ValueError("control characters are not allowed")
    if len(note) > MAX_NOTE_CHARS:
        raise ValueError(f"at most {MAX_NOTE_CHARS} characters are allowed")
    return note
