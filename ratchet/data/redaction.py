"""Redaction: surrounding space goes, and personal data gives way to placeholders, by a numbered version of the rules.

Curation applies the newest version before examples are stored, and `ratchet/models/preprocessing.py` before every
prediction the version by which the adapter was trained. Version 2 is `personal_data.py`. Rules of a version never
change: add a version, as docs/decisions/0044 says.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from ratchet.data.personal_data import replace_personal_data

LATEST = 2
"""Version of the examples that are stored now."""
ENTITIES = ("EMAIL", "PHONE", "CREDIT_CARD", "IP_ADDRESS", "SSN")
"""Kinds of personal data that datafog finds."""
_MAYBE = re.compile(r"@|\d\.\d{1,3}\.\d|(?:\d\D{0,2}){6}")
"""Quick test: every kind of personal data holds an @, dotted numbers, or six digits close together; most texts none."""
_MOST_PASSES = 4


def redact(text: str, found: Counter[str] | None = None, version: int = LATEST) -> str:
    """Return `text` stripped, with `[EMAIL]`, `[PHONE]` and so on in place of personal data.

    Counts each replacement in `found`. Applying it twice changes nothing. Names and postal addresses stay, and dates,
    amounts, order numbers and ZIP codes are left on purpose.
    """
    text = text.strip()
    return _VERSIONS[version](text, Counter() if found is None else found) if _MAYBE.search(text) else text


def redact_all(texts: Iterable[str]) -> tuple[list[str], dict[str, int]]:
    """Return the redacted texts in order, and the number of replacements of each kind."""
    counts: Counter[str] = Counter()
    return [redact(text, counts) for text in texts], dict(counts)


def _redact_first(text: str, found: Counter[str]) -> str:
    """Version 1: all that datafog's regular expressions find, order numbers of ten digits included."""
    from datafog import scan

    while _MAYBE.search(text):
        entities = sorted(
            scan(text, entity_types=list(ENTITIES)).entities, key=lambda entity: entity.start, reverse=True
        )
        if not entities:
            break
        for entity in entities:
            text = f"{text[: entity.start]}[{entity.type}]{text[entity.end :]}"
            found[entity.type.lower()] += 1
        # again: an entity that adjoined another is recognised only once that one is replaced
    return text


def _redact_second(text: str, found: Counter[str]) -> str:
    """Version 2: our own rules, which weigh what stands around a number."""
    for _ in range(_MOST_PASSES):  # again: what follows a number may have spoken against it until it was replaced
        before, text = text, replace_personal_data(text, found)
        if text == before:
            break
    return text


_VERSIONS: Mapping[int, Callable[[str, Counter[str]], str]] = {1: _redact_first, 2: _redact_second}
