"""Occurrence: something that people are alerted of, with a stable id, one line, a link and its page of the manual.

Add here how a line is made safe; what occurs is found in `ledger_occurrences.py`, `run_occurrences.py` and
`conditions.py`.
"""

import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from ratchet.config.alert_events import EVENTS
from ratchet.core.pages.visible import make_visible

LONGEST = 140
"""Characters of a line, so that it is whole on a telephone."""
RUNBOOKS = "how-to/runbooks"
"""Page of the manual with one section for each event."""
_MARKS = str.maketrans({
    "<": "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}", ">": "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}",
    "@": "\N{FULLWIDTH COMMERCIAL AT}", "`": "'", "*": "\N{ASTERISK OPERATOR}", "[": "(", "]": ")",
    "|": "\N{BROKEN BAR}", "~": "\N{TILDE OPERATOR}", "#": "\N{FULLWIDTH NUMBER SIGN}", "\\": "\N{SET MINUS}",
})  # fmt: skip
"""Characters by which chats, mail and Markdown make links, mentions and markup, and the plain ones in their place."""


@dataclass(frozen=True)
class Occurrence:
    """One occurrence. `past` is True for one with a time of its own, False for a state that holds now."""

    id: str
    event: str
    classifier: str
    ts: str
    line: str
    link: str
    past: bool = True

    def __post_init__(self) -> None:
        if self.event not in EVENTS:
            raise ValueError(f"{self.event!r} is not an event")

    def as_json(self) -> dict[str, Any]:
        """Return the fields that the log keeps."""
        return {key: value for key, value in asdict(self).items() if key not in {"ts", "past"}} | {"at": self.ts}


def make_line(classifier: str, text: str) -> str:
    """Return one line of at most `LONGEST` characters: `tickets: ...`, with nothing in it that a chat acts on."""
    plain = plain_words(f"{classifier}: {text}")
    if len(plain) <= LONGEST:
        return plain
    return plain[: LONGEST - 1].rstrip() + "…"


def plain_words(text: str) -> str:
    """Return `text` on one line: invisible characters as escapes, no markup, no mention, no address to click on."""
    flat = make_visible(" ".join(text.split())).translate(_MARKS)
    flat = re.sub(r"(?i)\b(https?|mailto|ftp|javascript|data):", r"\1 :", flat)
    flat = re.sub(r"(?<!\w)_+|_+(?!\w)", lambda found: "\N{FULLWIDTH LOW LINE}" * len(found[0]), flat)
    return flat.replace("://", ": //").replace("www.", "www ")


def runbook_topic(event: str) -> str:
    """Return the section of the manual for an event: `how-to/runbooks#rolled_back`."""
    return f"{RUNBOOKS}#{event}"


def read_time(text: str) -> datetime:
    """Return the aware time of a line; one that cannot be read is long ago."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return datetime(1970, 1, 1, tzinfo=UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
