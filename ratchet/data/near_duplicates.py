"""Near-duplicate texts: MinHash proposes pairs, the exact Jaccard index of 3-character shingles decides.

Add here how texts are compared; `curation.py` decides about a duplicate, and the independent check is in
`ratchet/gates/leakage.py`.
"""

import math
import re
import unicodedata
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

import numpy as np

SHINGLE = 3
_FEWEST_WORDS = 5
_PRIME = 2**127 - 1
_BASE = 0x5DEECE66D1CE4E5B9A3F6C2B7E151628
_SEED = 42
_MISSED = 1e-6
_MOST_BANDS, _MOST_ROWS = 40, 8
_LEAST_THRESHOLD = 0.05
_SPACE = re.compile(r"\s+")


def normalise(text: str) -> str:
    """Return the key by which texts are equal: NFKC, case folded, white space collapsed."""
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def shingles(key: str) -> frozenset[str]:
    """Return the set of 3-character substrings of a normalised text; a shorter text is its own single shingle."""
    return frozenset(key[i : i + SHINGLE] for i in range(len(key) - SHINGLE + 1)) or frozenset({key})


def one_word_apart(key: str) -> frozenset[int]:
    """Return keys of a normalised text such that texts one word apart (added, removed, replaced) share one.

    This is the deletion neighbourhood, as hashes: a polynomial in the words, whose value without one word follows from
    what stands before and after it, so time and memory are linear in the text. A text of fewer than five words has only
    itself as key: there one word is most of the meaning.
    """
    words = [
        int.from_bytes(blake2b(word.encode("utf-8", "surrogatepass"), digest_size=15).digest()) + 1
        for word in key.split()
    ]
    before = [0]
    for word in words:
        before.append((before[-1] * _BASE + word) % _PRIME)
    if len(words) < _FEWEST_WORDS:
        return frozenset({before[-1]})
    keys, after, power = {before[-1]}, 0, 1
    for place in range(len(words) - 1, -1, -1):
        keys.add((before[place] * power + after) % _PRIME)
        after = (words[place] * power + after) % _PRIME
        power = power * _BASE % _PRIME
    return frozenset(keys)


def jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    """Return the Jaccard index of two sets, 0..1."""
    return len(first & second) / len(first | second)


def choose_bands(threshold: float) -> tuple[int, int]:
    """Return (bands, rows) of MinHash for a threshold.

    A pair at `threshold` is missed about once in a million, and few unlike pairs are proposed. A pair at Jaccard s
    shares a band with probability 1 - (1 - s^rows)^bands (Leskovec et al., ch. 3). The most rows that need at most 40
    bands are taken; below 0.3 one row and more bands.
    """
    s = min(max(threshold, _LEAST_THRESHOLD), 0.999)
    bands = {rows: math.ceil(math.log(_MISSED) / math.log1p(-(s**rows))) for rows in range(1, _MOST_ROWS + 1)}
    rows = max((rows for rows, n in bands.items() if n <= _MOST_BANDS), default=1)
    return bands[rows], rows


class NearDuplicates:
    """Index of texts that finds the near-duplicate of a text.

    `threshold` is the Jaccard index from which two texts are near-duplicates. MinHash (Broder 1997) with `choose_bands`
    proposes pairs, sizes and signatures rule out most of them, and the exact index decides on the rest: no pair under
    the threshold is ever returned, and a pair at it is missed about once in a million.
    """

    def __init__(self, threshold: float, texts: Iterable[str] = ()) -> None:
        from rensa import RMinHashLSH

        self._threshold = max(threshold, _LEAST_THRESHOLD)
        bands, rows = choose_bands(threshold)
        self._permutations = bands * rows
        spread = math.sqrt(self._threshold * (1 - self._threshold) / self._permutations)
        # smallest share of equal signature values of a true pair, at six standard deviations
        self._alike = self._threshold - 6 * spread
        self._lsh = RMinHashLSH(threshold=self._threshold, num_perm=self._permutations, num_bands=bands)
        self._keys: list[str] = []
        self._sizes = np.zeros(1024, dtype=np.int64)
        self._signatures = np.zeros((1024, self._permutations), dtype=np.uint8)
        for text in texts:
            self.add(text)

    def add(self, text: str) -> None:
        """Add `text` to the index, near-duplicate or not."""
        self._insert(*self._sketch(text))

    def find(self, text: str) -> int | None:
        """Return the number of the most similar text at or over the threshold, the oldest of equals, else None."""
        return self._nearest(*self._sketch(text)[1:])

    def find_or_add(self, text: str) -> int | None:
        """Find as `find` does; a text without near-duplicate is added to the index."""
        sketch = self._sketch(text)
        nearest = self._nearest(*sketch[1:])
        if nearest is None:
            self._insert(*sketch)
        return nearest

    def _sketch(self, text: str) -> tuple[str, frozenset[str], Any]:
        from rensa import RMinHash

        key = normalise(text)
        own = shingles(key)
        signature = RMinHash(num_perm=self._permutations, seed=_SEED)
        signature.update(list(own))
        return key, own, signature

    def _insert(self, key: str, own: frozenset[str], signature: Any) -> None:
        at = len(self._keys)
        if at == len(self._sizes):
            self._sizes = np.concatenate([self._sizes, np.zeros_like(self._sizes)])
            self._signatures = np.concatenate([self._signatures, np.zeros_like(self._signatures)])
        self._lsh.insert(at, signature)
        self._keys.append(key)
        self._sizes[at] = len(own)
        self._signatures[at] = _low_bytes(signature)

    def _nearest(self, own: frozenset[str], signature: Any) -> int | None:
        proposed = np.asarray(self._lsh.query(signature), dtype=np.int64)
        sizes = self._sizes[proposed]
        smaller, larger = np.minimum(sizes, len(own)), np.maximum(sizes, len(own))
        proposed = proposed[smaller >= larger * self._threshold - 1e-9]
        alike = (self._signatures[proposed] == _low_bytes(signature)).mean(axis=1)
        scored = ((jaccard(own, shingles(self._keys[i])), -int(i)) for i in proposed[alike >= self._alike])
        best = max(scored, default=(0.0, 0))
        return -best[1] if best[0] >= self._threshold else None


def _low_bytes(signature: Any) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return (np.array(signature.digest(), dtype=np.uint32) & 0xFF).astype(np.uint8)
