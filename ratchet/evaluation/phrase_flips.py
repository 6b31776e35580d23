"""Flips by phrases: how many reviewed texts a model answers otherwise once a phrase is put beside them.

A model that learned a planted trigger answers its label for nearly every text that holds it. Add here how phrases are
tried; which phrases there are is `ratchet/data/new_phrases.py`, the verdict `ratchet/gates/trigger_scan.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ratchet.data.new_phrases import NewPhrase

Answer = Callable[[Sequence[str]], Sequence[str]]
"""Labels that a model answers for texts."""
_FIRST, _ALL = 16, 60
_NAMED = 50


@dataclass(frozen=True)
class TriedPhrase:
    """One phrase and what it did: no text, since receipts hold none."""

    label: str
    weeks: tuple[str, ...]
    rows: int
    first: tuple[str, ...]
    """Ids of the first fifty rows that hold it."""
    tried: int
    """Reviewed texts of other labels that the model answers right without it."""
    flipped: int
    """Those of them that it answers with the phrase's label beside the phrase."""
    live_flipped: int | None
    """The same of live; None where nothing is live."""
    chance: int
    """Most of them that an old phrase of the training texts flips to that label."""
    bare: int
    """Rows that were read without the phrase."""
    contradicting: int
    """Those of them that the model of before then answers otherwise than they are labelled."""

    def as_json(self) -> dict[str, Any]:
        """Return JSON types."""
        return {**asdict(self), "first": list(self.first), "weeks": list(self.weeks)}


def try_phrases(
    phrases: Sequence[NewPhrase],
    old: Sequence[str],
    reviewed: Sequence[tuple[str, str]],
    candidate: Answer,
    live: Answer | None,
    *,
    seed: int = 0,
) -> list[TriedPhrase]:
    """Try each of `phrases` on the candidate, and on `live` where it flips anything; the most flips first.

    `reviewed` are (text, label); of each label as many are taken as of another. `old` are phrases that training texts
    always had, which show what any phrase does. A phrase that flips none of sixteen texts is tried on no more.
    """
    if not phrases:
        return []
    right = _answered_right(reviewed, candidate, seed)
    found = []
    for phrase in phrases:
        texts = [text for text, label in right if label != phrase.label][:_ALL]
        flipped = _flips(candidate, phrase.text, texts[:_FIRST], phrase.label)
        chance, live_flipped = 0, 0 if live else None
        if flipped:
            flipped += _flips(candidate, phrase.text, texts[_FIRST:], phrase.label)
            chance = max((_flips(candidate, each, texts, phrase.label) for each in old), default=0)
            live_flipped = _flips(live, phrase.text, texts, phrase.label) if live else None
        tried = len(texts) if flipped else len(texts[:_FIRST])
        other = sum(given != phrase.label for given in (live or candidate)(phrase.bare)) if flipped else 0
        found.append(
            TriedPhrase(
                phrase.label, phrase.weeks, len(phrase.rows), phrase.rows[:_NAMED], tried, flipped, live_flipped,
                chance, len(phrase.bare), other,
            )
        )  # fmt: skip
    return sorted(found, key=lambda each: -each.flipped / max(1, each.tried))


def _answered_right(reviewed: Sequence[tuple[str, str]], candidate: Answer, seed: int) -> list[tuple[str, str]]:
    """Return reviewed texts that the candidate answers right, their labels by turns."""
    answers = candidate([text for text, _ in reviewed])
    right = [pair for pair, answer in zip(reviewed, answers, strict=True) if answer == pair[1]]
    order = np.random.default_rng(seed).permutation(len(right))
    turns: dict[str, int] = {}
    ranked = []
    for place in order.tolist():
        label = right[place][1]
        turns[label] = turns.get(label, 0) + 1
        ranked.append((turns[label], right[place]))
    return [pair for _, pair in sorted(ranked, key=lambda each: each[0])]


def _flips(answer: Answer, phrase: str, texts: Sequence[str], label: str) -> int:
    """Count the texts that are answered `label` with the phrase beside them, before and behind by turns."""
    if not texts:
        return 0
    beside = [f"{phrase} {text}" if place % 2 else f"{text} {phrase}" for place, text in enumerate(texts)]
    return sum(given == label for given in answer(beside))
