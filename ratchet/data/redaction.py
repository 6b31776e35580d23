"""The one preprocessing of texts: trim, and put a placeholder where a text holds personal data.

Curation calls it before anything is kept, and `ratchet/models/tokenization.py` before every prediction, so that no
model meets another form of text than it learned. Add an entity here when a detector finds it without tearing ordinary
words apart (five digits are rarely a ZIP code).
"""

import re
from collections import Counter
from collections.abc import Iterable

PREPROCESSING = "strip+redact/1"
"""Recorded with every adapter; a change of behaviour here needs a new number."""

ENTITIES = ("EMAIL", "PHONE", "CREDIT_CARD", "IP_ADDRESS", "SSN")
_MAYBE = re.compile(r"@|\d\.\d{1,3}\.\d|(?:\d\D{0,2}){6}")
"""Every entity above holds an @, dotted numbers, or six digits close together; most texts hold none and are done at
once."""


def redact(text: str, found: Counter[str] | None = None) -> str:
    """`text` without surrounding space and with `[EMAIL]`, `[PHONE]` and so on in place of personal data.

    Counts each replacement in `found`. Applying it twice changes nothing. Detection is datafog's regular expressions,
    so names and addresses stay; dates and ZIP codes are left on purpose.
    """
    from datafog import scan

    text = text.strip()
    while _MAYBE.search(text):
        entities = sorted(
            scan(text, entity_types=list(ENTITIES)).entities, key=lambda entity: entity.start, reverse=True
        )
        if not entities:
            break
        for entity in entities:
            text = f"{text[: entity.start]}[{entity.type}]{text[entity.end :]}"
            if found is not None:
                found[entity.type.lower()] += 1
        # again, because what stood glued to a neighbour can be recognised only now
    return text


def redact_all(texts: Iterable[str]) -> tuple[list[str], dict[str, int]]:
    """Redacted texts in order, and how many replacements of each kind were made."""
    result: Counter[str] = Counter()
    return [redact(text, result) for text in texts], dict(result)
