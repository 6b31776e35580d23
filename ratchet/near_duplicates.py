"""Near-duplicate texts: MinHash proposes pairs, the exact Jaccard index of 3-character shingles decides.

Add here how texts are compared; what is done with a duplicate is `curation.py`'s decision, and the independent re-check
lives in `leakage.py`.
"""

import re
import unicodedata
from collections.abc import Iterable

SHINGLE = 3
_PERMUTATIONS, _BANDS, _SEED = 128, 32, 42
_SPACE = re.compile(r"\s+")


def normalise(text: str) -> str:
    """The key under which two texts count as the same: NFKC, case folded, white space collapsed."""
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def shingles(key: str) -> frozenset[str]:
    """All runs of 3 characters of a normalised text; a shorter text is its own single shingle."""
    return frozenset(key[i : i + SHINGLE] for i in range(len(key) - SHINGLE + 1)) or frozenset({key})


def jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    """Shared share of two sets, 0..1."""
    return len(first & second) / len(first | second)


class NearDuplicates:
    """An index of texts that answers: which of them is `text` a near-duplicate of?

    `threshold` is the Jaccard index from which two texts are near-duplicates. With 32 bands of 4 hashes a pair at 0.8 is
    missed with probability 5e-8, and every proposed pair is verified exactly (Broder 1997; banding: Leskovec et al., ch. 3).
    """

    def __init__(self, threshold: float, texts: Iterable[str] = ()) -> None:
        from rensa import RMinHashLSH

        self._threshold = threshold
        self._lsh = RMinHashLSH(threshold=threshold, num_perm=_PERMUTATIONS, num_bands=_BANDS)
        self._sets: list[frozenset[str]] = []
        for text in texts:
            self.find_or_add(text, always_add=True)

    def find(self, text: str) -> int | None:
        """Index of the most similar text at or over the threshold, else None."""
        own = shingles(normalise(text))
        return self._nearest(own, _min_hash(own))

    def find_or_add(self, text: str, *, always_add: bool = False) -> int | None:
        """As `find`; a text with no near-duplicate joins the index."""
        own = shingles(normalise(text))
        signature = _min_hash(own)
        found = None if always_add else self._nearest(own, signature)
        if found is None:
            self._lsh.insert(len(self._sets), signature)
            self._sets.append(own)
        return found

    def _nearest(self, own: frozenset[str], signature: object) -> int | None:
        scored = ((jaccard(own, self._sets[i]), -i) for i in self._lsh.query(signature))
        best = max(scored, default=(0.0, 0))
        return -best[1] if best[0] >= self._threshold and best[0] > 0 else None


def _min_hash(own: frozenset[str]) -> object:
    from rensa import RMinHash

    signature = RMinHash(num_perm=_PERMUTATIONS, seed=_SEED)
    signature.update(sorted(own))
    return signature
