"""Fit of texts and a tokenizer: how many texts are not read whole, by class, and the share of words that it knows.

Shown by `ratchet init`, `ratchet cycle --plan`, `ratchet doctor` and the report. Add here another figure about texts
before a model reads them.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ratchet.config.candidate import Candidate
from ratchet.data.unspaced_text import UNSPACED
from ratchet.models.base_models import base_folder
from ratchet.models.preprocessing import LATEST
from ratchet.models.prompt_tokenizer import PromptTokenizer
from ratchet.models.tokenization import TextTokenizer, load_tokenizer, open_tokenizer

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

MIN_KNOWN_SHARE = 0.8
"""Share of known words below which there is a remark on the language."""
_TEXTS, _CHARS = 200, 500
"""Number and length of the texts in which words are looked up."""
_LEAST_WORDS = 20
_WORD = re.compile(rf"[{UNSPACED}]|(?:(?![{UNSPACED}])[^\W\d_])+")


@dataclass(frozen=True)
class TextFit:
    """Figures about the texts of one candidate."""

    candidate: str
    base: str
    max_tokens: int
    preprocessing: str
    texts: dict[str, int]
    """Number of texts of each class."""
    cut: dict[str, int]
    """Number of those that are longer than the model reads."""
    known_share: float | None
    """Share of words that the tokenizer has a token or a few for; None for too few words."""

    @property
    def sentence(self) -> str:
        """Number of texts that are not read whole, by class; '' where there is none."""
        if not (cut := sum(self.cut.values())):
            return ""
        by_class = ", ".join(f"{label} {n} of {self.texts[label]}" for label, n in self.cut.items() if n)
        return (
            f"{self.candidate}: {cut} of {sum(self.texts.values())} texts are longer than max_tokens ="
            f" {self.max_tokens}; of these only the beginning and the end are read ({by_class})"
        )

    @property
    def language_sentence(self) -> str:
        """Remark that the tokenizer does not know the language of the texts, and another base; '' where it does."""
        if self.known_share is None or self.known_share >= MIN_KNOWN_SHARE:
            return ""
        return f"{self.candidate}: the tokenizer of {self.base} knows only {self.known_share:.0%} of the words"

    def as_json(self) -> dict[str, Any]:
        """Return the figures as JSON types."""
        return {
            "candidate": self.candidate,
            "max_tokens": self.max_tokens,
            "preprocessing": self.preprocessing,
            "n": sum(self.texts.values()),
            "cut": sum(self.cut.values()),
            "by_class": {label: {"n": n, "cut": self.cut[label]} for label, n in self.texts.items()},
            "known_share": self.known_share,
            "sentence": self.sentence,
            "language_sentence": self.language_sentence,
        }


MOST_TEXTS = 2000
"""Number of texts that are measured; of more, a sample spread over all of them."""
OTHER_BASE = (
    "Use a base that knows it: base = \"Gemma-3-270M\" after 'make setup-causal-gemma', or a multilingual one of the"
    " Hub by 'ratchet fetch-base org/name@commit'."
)
"""Hint to `TextFit.language_sentence`."""


def measure_text_fit(candidate: Candidate, texts: Sequence[str], labels: Sequence[str]) -> TextFit:
    """Measure the texts, with their labels, against what `candidate` would read of them."""
    tokenizer = load_text_tokenizer(candidate)
    cut = tokenizer.find_cut(texts)
    totals, lost = Counter(labels), Counter(label for label, is_cut in zip(labels, cut, strict=True) if is_cut)
    return TextFit(
        candidate.title,
        candidate.base,
        candidate.max_tokens,
        tokenizer.preprocessing.name,
        dict(totals),
        {label: lost[label] for label in totals},
        measure_known_share(tokenizer.plain, texts),
    )


def measure_texts(candidates: Sequence[Candidate], texts: Sequence[str], labels: Sequence[str]) -> list[dict[str, Any]]:
    """Return the figures of each candidate that reads in its own way, as JSON types, with `hint` where one helps."""
    step = -(-len(texts) // MOST_TEXTS) or 1
    some, classes = list(texts)[::step], list(labels)[::step]
    readers = {(each.family, each.base, each.max_tokens, each.rendering): each for each in reversed(candidates)}
    found = [measure_text_fit(each, some, classes) for each in reversed(readers.values())] if some else []
    return [{**fit.as_json(), "hint": OTHER_BASE if fit.language_sentence else ""} for fit in found]


def say_texts(found: Sequence[dict[str, Any]]) -> list[str]:
    """Return the sentences of `measure_texts`, with their hints."""
    sentences = [f"{each['sentence']}." for each in found if each["sentence"]]
    return sentences + [f"{each['language_sentence']}. {each['hint']}" for each in found if each["language_sentence"]]


def load_text_tokenizer(candidate: Candidate) -> "TextTokenizer":
    """Load the tokenizer of a candidate's texts alone: a causal one without its prompt."""
    folder, reading = base_folder(candidate.base), LATEST.rendered(candidate.rendering)
    if candidate.family == "encoder":
        return load_tokenizer(folder, candidate.max_tokens, reading)
    plain = open_tokenizer(folder)
    plain.encode_special_tokens = True
    return PromptTokenizer(plain, (), (), (), candidate.max_tokens, reading)


def measure_known_share(tokenizer: "Tokenizer", texts: Sequence[str]) -> float | None:
    """Share of the words in `texts` for which the tokenizer has tokens of two letters or more each; None for few words.

    In a script without spaces each letter counts as a word and needs a token of its own: letters that are spelled out
    in bytes are not known.
    """
    step = max(1, len(texts) // _TEXTS)
    some = [text[:_CHARS] for text in texts[::step]]
    unknown = _unknown_ids(tokenizer)
    found = [_count_known(text, row, unknown) for text, row in zip(some, tokenizer.encode_batch(some), strict=True)]
    known, words = (sum(column) for column in zip(*found, strict=True)) if found else (0, 0)
    return known / words if words >= _LEAST_WORDS else None


def _count_known(text: str, row: "Encoding", unknown: set[int]) -> tuple[int, int]:
    """Return the number of known words and of all words in a text."""
    pieces, broken = [0] * len(text), [False] * len(text)
    for token, (start, end) in zip(row.ids, row.offsets, strict=True):
        for place in range(start, min(end, len(text))):
            broken[place] = broken[place] or token in unknown
        if start < min(end, len(text)):
            first = start + (text[start].isspace() and end - start > 1)
            pieces[first] += 1
    words = [match.span() for match in _WORD.finditer(text)]
    known = sum(
        not any(broken[start:end]) and sum(pieces[start:end]) * 2 <= max(end - start, 2) for start, end in words
    )
    return known, len(words)


def _unknown_ids(tokenizer: "Tokenizer") -> set[int]:
    model = tokenizer.model
    names = [getattr(model, "unk_token", None)]
    ids = {tokenizer.token_to_id(name) for name in names if name} | {getattr(model, "unk_id", None)}
    return {token for token in ids if token is not None}
