"""Uniqueness of traces: no trace is written twice, neither within a week nor in two weeks of one simulation.

Within a week the simulation keeps a set of the digests of its traces (`digest_trace`). Between weeks nothing is
remembered; instead the names and numbers of a trace add up to its week's mark, so that two weeks cannot write the same
one.
"""

import hashlib
import zlib

from ratchet.simulation.form_visits import LONGEST_MS, Event

SCROLL_MARKS = 64
"""Weeks after which the mark of traces with a scroll repeats."""
KEY_MARKS = 16
"""Weeks after which the mark of traces without a scroll repeats; their many fields and counts then keep them apart."""


def mark_events(events: list[Event], mark: int) -> list[Event] | None:
    """Return `events` with one number raised so that checksum of names plus sum of numbers is `mark`, or None.

    A trace with scrolls has its shortest one raised by at most 63 ms, any other its longest input by at most 15 key
    strokes. A trace without numbers passes, unchanged, in the one of sixteen weeks that its checksum selects.
    """
    names = zlib.crc32(repr([(event.verb, event.name, event.reason) for event in events]).encode())
    scrolls = [place for place, event in enumerate(events) if event.verb == "scroll"]
    inputs = [place for place, event in enumerate(events) if event.verb == "input"]
    marks = SCROLL_MARKS if scrolls else KEY_MARKS
    missing = (mark - names - sum(event.amount for event in events)) % marks
    if not missing:
        return events
    if scrolls:
        place = min(scrolls, key=lambda place: events[place].amount)
    elif inputs:
        place = max(inputs, key=lambda place: events[place].amount)
    else:
        return None
    raised = events[place]._replace(amount=events[place].amount + missing)
    return [*events[:place], raised, *events[place + 1 :]] if raised.amount <= LONGEST_MS else None


def digest_trace(text: str) -> bytes:
    """Return the BLAKE2b digest of `text`, 8 bytes: a set of them needs far less memory than the texts."""
    return hashlib.blake2b(text.encode(), digest_size=8).digest()
