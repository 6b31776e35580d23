"""Boilerplate: passages that many texts share (footers, quoted replies, form headers), set aside in comparisons.

A model reads every text whole; only the search for near-duplicates and leaks compares what is left of a text. Add here
what counts as boilerplate; comparisons are in `near_duplicates.py`, the steps of curation in `curation.py`.
"""

import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

GRAM = 8
"""Tokens of the shortest passage. Less cannot make texts alike whose own words are few."""
FEWEST_TEXTS = 10
_LEAST_WIDTH = 32
"""Narrowest passage, in columns: eight short words, or sixteen Chinese characters."""
_FEWEST_LEFT = 2
"""Tokens that must be left of a text; a text with fewer is compared whole, or all of its kind would be equal."""
_FEW_LEFT = 5
"""Tokens below which what is left is the same only beside the same passages: "no reason" says little of two forms."""
_BUCKETS = 1 << 22
_CHUNK = 1 << 20
_DIGITS = re.compile(r"\d+")
_WIDE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\u0e00-\u0e7f"
_TOKEN = re.compile(rf"[{_WIDE}]|(?:(?![{_WIDE}_])\w)+")
_WIDE_TOKEN = re.compile(rf"[{_WIDE}]")
_EDGE = re.compile(r"^[\W_]+|[\W_]+$")
_SHOWN, _SHOWN_CHARS = 5, 300


BOILERPLATE_SQL = "SELECT gram, texts FROM boilerplate WHERE classifier = $classifier AND week = $week ORDER BY gram"
"""Runs of tokens that curation took for boilerplate in one cycle."""


@dataclass(frozen=True)
class Rest:
    """A text with its boilerplate set aside."""

    text: str
    """Text to compare: what is left, or the whole text where nothing or hardly anything is left."""
    blocks: tuple[str, ...] = ()
    """Passages that were set aside, digits as 0."""
    bare: bool = False
    """True for a text that is hardly more than boilerplate, which is compared whole."""


@dataclass(frozen=True)
class Boilerplate:
    """Frequent runs of `GRAM` tokens: the digest of each run, and the number of texts that hold it."""

    grams: Mapping[int, int] = field(default_factory=dict)

    def frame(self) -> "pd.DataFrame":
        """Return the rows of the table `boilerplate`, without classifier and week."""
        import pandas as pd

        found = sorted(self.grams.items())
        return pd.DataFrame(
            {
                "gram": np.array([gram for gram, _ in found], dtype=np.uint64),
                "texts": np.array([texts for _, texts in found], dtype=np.int64),
            }
        )

    def set_aside(self, keys: Sequence[str]) -> list[Rest]:
        """Return what is left of each normalised text (`near_duplicates.normalise`)."""
        result = [Rest(key) for key in keys]
        if not self.grams:
            return result
        known = np.array(sorted(self.grams), dtype=np.uint64)
        texts = np.array([self.grams[int(gram)] for gram in known], dtype=np.int64)
        for first, sizes, grams in _chunks(keys):
            at = np.minimum(np.searchsorted(known, grams), len(known) - 1)
            found = np.where(known[at] == grams, texts[at], 0)
            ends = np.cumsum(sizes)
            meets = np.add.reduceat(np.append(found, 0), ends - sizes) * (sizes > 0)
            for i in np.flatnonzero(meets):
                number = first + int(i)
                result[number] = _split(keys[number], found[ends[i] - sizes[i] : ends[i]])
        return result


def find_boilerplate(keys: Sequence[str], share: float) -> Boilerplate:
    """Find the passages that at least `share` of the distinct normalised texts hold, and at least `FEWEST_TEXTS`.

    Time grows with the number of tokens: hashed runs are counted in a table of fixed size, and only those that may be
    frequent are counted exactly. Digits count as equal, so that footers with a number are one. A share of 1 finds none.
    """
    distinct = sorted(set(keys))
    least = max(FEWEST_TEXTS, int(np.ceil(share * len(distinct))))
    if share >= 1 or len(distinct) < least:
        return Boilerplate()
    buckets = np.zeros(_BUCKETS, dtype=np.int64)
    for _, sizes, grams in _chunks(distinct):
        runs, n = _count(sizes, grams)
        buckets += np.bincount((runs % _BUCKETS).astype(np.int64), weights=n, minlength=_BUCKETS).astype(np.int64)
    found: Counter[int] = Counter()
    for _, sizes, grams in _chunks(distinct):
        runs, n = _count(sizes, grams)
        maybe = buckets[(runs % _BUCKETS).astype(np.int64)] >= least
        found.update(dict(zip(runs[maybe].tolist(), n[maybe].tolist(), strict=True)))
    return Boilerplate({gram: n for gram, n in found.items() if n >= least})


def describe_boilerplate(rests: Sequence[Rest]) -> dict[str, Any]:
    """Return the number of texts in which boilerplate was set aside, and the passages that fill most, as JSON types."""
    counts = Counter(block for rest in rests for block in set(rest.blocks))
    most = sorted(counts, key=lambda block: (-counts[block] * len(block), block))
    return {
        "texts": sum(bool(rest.blocks) for rest in rests),
        "compared_whole": sum(rest.bare for rest in rests),
        "passages": len(counts),
        "blocks": [{"texts": counts[block], "block": block[:_SHOWN_CHARS]} for block in most[:_SHOWN]],
    }


def _split(key: str, found: NDArray[np.int64]) -> Rest:
    """Set aside the passages of one text, of whose runs `found` says in how many texts they are.

    The most frequent passage goes first, with what is at least half as frequent; then the next one in what is left. So
    the words before a footer that everyone has stay, though they often stand before it.
    """
    left, covered = found.copy(), np.zeros(len(found) + GRAM - 1, dtype=bool)
    while (highest := left.max(initial=0)) > 0:
        for start in np.flatnonzero(2 * left >= highest):
            covered[start : start + GRAM] = True
        for token in np.flatnonzero(np.diff(covered.astype(np.int8), prepend=0, append=0)):
            left[max(0, token - GRAM + 1) : token] = 0  # runs across an edge
        left[covered[: len(left)]] = 0
    spans = [match.span() for match in _TOKEN.finditer(key)]
    edges = np.flatnonzero(np.diff(covered.astype(np.int8), prepend=0, append=0)).reshape(-1, 2)
    cuts = [(spans[a][0], spans[b - 1][1]) for a, b in edges]
    cuts = [(a, b) for a, b in cuts if b - a + len(_WIDE_TOKEN.findall(key, a, b)) >= _LEAST_WIDTH]
    if not cuts:
        return Rest(key)
    blocks = tuple(_DIGITS.sub("0", key[a:b]) for a, b in cuts)
    bounds = [0, *(place for cut in cuts for place in cut), len(key)]
    pieces = (_EDGE.sub("", key[a:b]) for a, b in zip(bounds[::2], bounds[1::2], strict=True))
    rest = " ".join(piece for piece in pieces if piece)
    left_over = len(_TOKEN.findall(rest))
    if _FEWEST_LEFT <= left_over < _FEW_LEFT:
        rest = f"{rest}#{zlib.crc32(' '.join(blocks).encode('utf-8', 'surrogatepass')):08x}"
    return Rest(key if left_over < _FEWEST_LEFT else rest, blocks, left_over < _FEWEST_LEFT)


def _chunks(keys: Sequence[str]) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.uint64]]]:
    """Yield (number of the first text, runs of each text, digests of all runs) of about `_CHUNK` tokens at a time."""
    first, tokens, counts = 0, [], []
    digests: dict[str, int] = {}
    for number, key in enumerate(keys):
        words = _TOKEN.findall(key)
        for word in words:
            if word not in digests:
                digests[word] = zlib.crc32(_DIGITS.sub("0", word).encode("utf-8", "surrogatepass"))
        tokens += [digests[word] for word in words]
        counts.append(len(words))
        if len(tokens) >= _CHUNK:
            yield first, *_runs(tokens, counts)
            first, tokens, counts = number + 1, [], []
            digests.clear()
    if counts:
        yield first, *_runs(tokens, counts)


def _runs(tokens: list[int], counts: list[int]) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Return the number of runs of each text, and the digest of each run of `GRAM` tokens inside a text."""
    sizes = np.maximum(np.array(counts, dtype=np.int64) - GRAM + 1, 0)
    if len(tokens) < GRAM:
        return sizes, np.empty(0, dtype=np.uint64)
    values = np.array(tokens, dtype=np.uint64)
    digest = np.zeros(len(values) - GRAM + 1, dtype=np.uint64)
    for place in range(GRAM):
        digest = digest * np.uint64(0x9E3779B97F4A7C15) + values[place : place + len(digest)]
        digest ^= digest >> np.uint64(29)
    text = np.repeat(np.arange(len(counts)), counts)
    return sizes, digest[text[: len(digest)] == text[GRAM - 1 :]]


def _count(sizes: NDArray[np.int64], grams: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return the distinct runs of a chunk, and the number of its texts that hold each."""
    text = np.repeat(np.arange(len(sizes)), sizes)
    order = np.lexsort((text, grams))
    grams, text = grams[order], text[order]
    new = np.ones(len(grams), dtype=bool)
    new[1:] = (grams[1:] != grams[:-1]) | (text[1:] != text[:-1])
    return np.unique(grams[new], return_counts=True)
