"""Words of a text, and the attributions of tokens shared out to them. Pure; needs no tokenizer.

Scripts without spaces are in `ratchet/data/unspaced_text.py`. Tokens and their spans come from `explain.py`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from unicodedata import category

from ratchet.data.unspaced_text import UNSPACED

_MARKS = (
    "".join(map(chr, filter(lambda code: category(chr(code)).startswith("M"), range(0x300, 0x1F000)))) + "\u200c\u200d"
)
"""Characters that belong to the letter before: accents, vowel signs, and the joiners of Indic and Arabic writing."""
_RUN = rf"(?:(?![{UNSPACED}])\w[{_MARKS}]*)+"
_WORD = re.compile(rf"[{UNSPACED}][{_MARKS}]*|{_RUN}(?:['\u2019]{_RUN})*|[^\w\s][{_MARKS}]*")
"""A run of letters and digits (with an apostrophe inside), one sign, or one letter of a script that sets no spaces."""


@dataclass(frozen=True)
class Word:
    """One word at `start`..`end` of the text; `attribution` in nats, None where the text was cut before it."""

    text: str
    start: int
    end: int
    attribution: float | None


def share_out(text: str, spans: Sequence[tuple[int, int]], values: Sequence[float]) -> tuple[Word, ...]:
    """Return the words of `text`, each with its share of the tokens' `values`; both have the same sum.

    `spans` are the tokens' places in `text`. A token over several words is shared by letters; one over none (a line
    break) goes to the word before it, or to the first. Raises ValueError for values without any word to take them.
    """
    places = [word.span() for word in _WORD.finditer(text)]
    if values and not places:
        raise ValueError("a text without words has no attributions to share out")
    sums = [0.0] * len(places)
    read = [False] * len(places)
    for (start, end), value in zip(spans, values, strict=True):
        common = [max(0, min(end, last) - max(start, first)) for first, last in places]
        if whole := sum(common):
            for index, letters in enumerate(common):
                sums[index] += value * letters / whole
                read[index] = read[index] or letters > 0
        else:
            before = sum(first < end for first, _ in places) - 1
            sums[max(before, 0)] += value
    return tuple(
        Word(text[first:last], first, last, total if seen else None)
        for (first, last), total, seen in zip(places, sums, read, strict=True)
    )
