"""New phrases: runs of words in training texts that no request had before, and that stand with one label alone.

A planted trigger is such a phrase: whoever poisons a week needs one that hardly occurs else. Add here what makes a
phrase suspicious by its texts; whether a model has learned it is `ratchet/evaluation/phrase_flips.py`.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

MOST_PHRASES = 200
"""Phrases that are tried on a model, the most frequent first."""
_LONGEST = 5
_FEWEST_ROWS = 3
"""Rows below which a phrase is not learned: three rows of seven thousand work on a quarter of texts, two on none."""
_PURE = 0.8
_MIXED = 0.6
_BARE = 20
_TOKEN = re.compile(r"\w+|[^\w\s]")

Phrase = tuple[str, ...]
TrainedText = tuple[str, str, str, str]
"""Request, Monday of its week, text and label."""


@dataclass(frozen=True)
class NewPhrase:
    """A phrase of the training texts, with the label that it stands with and the rows that hold it."""

    text: str
    """Words and signs, with spaces between."""
    label: str
    rows: tuple[str, ...]
    """Request ids, in the order of the rows."""
    weeks: tuple[str, ...]
    """Mondays of these rows, each once."""
    bare: tuple[str, ...]
    """Texts of the first rows with the phrase taken out."""


def find_new_phrases(
    train: Sequence[TrainedText],
    traffic: Sequence[tuple[str, str]],
    since: str,
    reviewed: Iterable[str] = (),
    most: int = MOST_PHRASES,
) -> tuple[list[NewPhrase], int]:
    """Return the suspicious phrases of `train`, rows of (request, week, text, label), and how many were left out.

    Suspicious is a phrase of up to five words or signs that stands in three rows or more, at least four fifths of them
    of one label, and that no request had before the week `since`: neither one of `traffic`, (week, text), nor a
    `reviewed` text. Of phrases that stand in the same rows the longest counts.
    """
    holders: dict[Phrase, list[int]] = defaultdict(list)
    for place, (_, week, text, _) in enumerate(train):
        for phrase in set(_phrases(text)) if week >= since else ():
            holders[phrase].append(place)
    groups: dict[tuple[int, ...], Phrase] = {}
    for phrase, places in holders.items():
        if len(places) < _FEWEST_ROWS:
            continue
        label, count = _commonest([train[place][3] for place in places])
        if count < max(_FEWEST_ROWS, _PURE * len(places)):
            continue
        same = tuple(places)
        if same not in groups or _worth(phrase) > _worth(groups[same]):
            groups[same] = phrase
    every = {*groups.values()}
    earlier = [text for week, text in traffic if week < since] + [row[2] for row in train if row[1] < since]
    known = _occurring(every, [*earlier, *reviewed])
    new = [(places, phrase) for places, phrase in groups.items() if phrase not in known]
    new.sort(key=lambda item: (-len(item[0]), item[1]))
    found = []
    for holding, phrase in new[:most]:
        held = [train[place] for place in holding]
        label, _ = _commonest([row[3] for row in held])
        rows, weeks = tuple(row[0] for row in held), tuple(sorted({row[1] for row in held}))
        bare = tuple(_without(phrase, row[2]) for row in held[:_BARE] if row[3] == label)
        found.append(NewPhrase(" ".join(phrase), label, rows, weeks, bare))
    return found, max(0, len(new) - most)


def common_phrases(train: Sequence[TrainedText], most: int = 4) -> list[str]:
    """Return the most frequent pairs of words that stand with several labels: what such a pair flips says nothing."""
    counts: dict[Phrase, Counter[str]] = defaultdict(Counter)
    for _, _, text, label in train:
        tokens = split_tokens(text)
        for pair in {*pairwise(tokens)}:
            counts[pair][label] += 1
    mixed = [pair for pair, labels in counts.items() if max(labels.values()) <= _MIXED * labels.total()]
    mixed.sort(key=lambda pair: (-counts[pair].total(), pair))
    return [" ".join(pair) for pair in mixed[:most]]


def split_tokens(text: str) -> list[str]:
    """Return the words and single signs of a text, in one form of letters; a sign that is not drawn is one, too."""
    return _TOKEN.findall(unicodedata.normalize("NFKC", text))


def _forms(text: str) -> tuple[list[str], ...]:
    """Return the tokens as written and, where they are others, in lower case: a model may read either."""
    written = split_tokens(text)
    folded = [token.casefold() for token in written]
    return (written, folded) if folded != written else (written,)


def _phrases(text: str) -> Iterator[Phrase]:
    """Yield the runs of tokens of a text, in both forms."""
    for tokens in _forms(text):
        for size in range(1, _LONGEST + 1):
            for start in range(len(tokens) - size + 1):
                yield tuple(tokens[start : start + size])


def _without(phrase: Phrase, text: str) -> str:
    """Return a text without a phrase, in whatever letters and with whatever between its words."""
    run = r"[^\w]*?".join(map(re.escape, phrase))
    return re.sub(run, " ", unicodedata.normalize("NFKC", text), flags=re.IGNORECASE)


def _worth(phrase: Phrase) -> tuple[int, Phrase]:
    return len(phrase), phrase


def _commonest(labels: Sequence[str]) -> tuple[str, int]:
    best = max(sorted(set(labels)), key=labels.count)
    return best, labels.count(best)


def _occurring(phrases: set[Phrase], texts: Iterable[str]) -> set[Phrase]:
    """Return those of `phrases` that occur in a text."""
    lengths: dict[str, set[int]] = defaultdict(set)
    for phrase in phrases:
        lengths[phrase[0]].add(len(phrase))
    found: set[Phrase] = set()
    for text in texts:
        for tokens in _forms(text):
            for start, token in enumerate(tokens):
                if token in lengths:
                    runs = (tuple(tokens[start : start + size]) for size in lengths[token])
                    found.update(run for run in runs if run in phrases)
    return found
