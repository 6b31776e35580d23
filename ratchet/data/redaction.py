"""Preprocessing of texts: strip, and replace personal data by placeholders.

Curation applies it before anything is stored, and `ratchet/models/tokenization.py` before every prediction, so that a
model never sees another form of text than in training. Add an entity here when its detector does not also match
ordinary words (five digits are rarely a ZIP code).
"""

import re
from collections import Counter
from collections.abc import Iterable

PREPROCESSING = "strip+redact/1"
"""Version of the preprocessing, recorded with every adapter; change it with the behaviour."""

ENTITIES = ("EMAIL", "PHONE", "CREDIT_CARD", "IP_ADDRESS", "SSN")
_MAYBE = re.compile(r"@|\d\.\d{1,3}\.\d|(?:\d\D{0,2}){6}")
"""Quick test: every entity above holds an @, dotted numbers, or six digits close together; most texts hold none."""


def redact(text: str, found: Counter[str] | None = None) -> str:
    """Return `text` stripped, with `[EMAIL]`, `[PHONE]` and so on in place of personal data.

    Counts each replacement in `found`. Applying it twice changes nothing. Detection is datafog's regular expressions,
    so names and postal addresses stay; dates and ZIP codes are left on purpose.
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
        # again: an entity that adjoined another is recognised only once that one is replaced
    return text


def redact_all(texts: Iterable[str]) -> tuple[list[str], dict[str, int]]:
    """Return the redacted texts in order, and the number of replacements of each kind."""
    counts: Counter[str] = Counter()
    return [redact(text, counts) for text in texts], dict(counts)
