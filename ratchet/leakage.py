"""Leakage: an independent re-check that nothing held out occurs in train, exactly or nearly.

It shares no code with curation's MinHash on purpose: shingle sets are compared exhaustively by sparse matrix products.
Add here what counts as a leak; what to remove is decided in `curation.py`.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ratchet.gates import Verdict

_BLOCK = 2048
_NAMED = 10


@dataclass(frozen=True)
class Leak:
    """A training example like a held-out item. `similarity` is 1 for the same text."""

    train_item: str
    held_out_item: str
    similarity: float


def find_leaks(train: Sequence[tuple[str, str]], held_out: Sequence[tuple[str, str]], threshold: float) -> list[Leak]:
    """Every pair of (item, text) in `train` and `held_out` whose shingle sets overlap by `threshold` or more, worst first."""
    from sklearn.feature_extraction.text import CountVectorizer

    if not train or not held_out:
        return []
    ours, theirs = [_fold(text) for _, text in train], [_fold(text) for _, text in held_out]
    places: dict[str, list[int]] = {}
    for j, text in enumerate(theirs):
        places.setdefault(text, []).append(j)
    pairs = {(i, j): 1.0 for i, text in enumerate(ours) for j in places.get(text, ())}

    shingles = CountVectorizer(analyzer="char", ngram_range=(3, 3), lowercase=False, binary=True, dtype=np.int32)
    if any(len(text) >= 3 for text in theirs):
        right = shingles.fit_transform(theirs)
        right_sizes = np.asarray(right.sum(axis=1)).ravel()
        for start in range(0, len(ours), _BLOCK):
            block = ours[start : start + _BLOCK]
            shared: Any = (shingles.transform(block) @ right.T).tocoo()
            sizes = np.array([len({text[i : i + 3] for i in range(len(text) - 2)}) for text in block])
            overlap = shared.data / (sizes[shared.row] + right_sizes[shared.col] - shared.data)
            for at in np.flatnonzero(overlap >= threshold):
                pair = (start + int(shared.row[at]), int(shared.col[at]))
                pairs.setdefault(pair, float(overlap[at]))
    leaks = [Leak(train[i][0], held_out[j][0], similarity) for (i, j), similarity in pairs.items()]
    return sorted(leaks, key=lambda leak: (-leak.similarity, leak.train_item, leak.held_out_item))


def decide_leakage(leaks: Sequence[Leak], n_train: int, n_held_out: int, threshold: float) -> Verdict:
    """Passes when no training example is a (near-)duplicate of a held-out item; names the first ten otherwise."""
    evidence = {
        "leaks": len(leaks), "n_train": n_train, "n_held_out": n_held_out, "jaccard": threshold,
        "first": [vars(leak) for leak in leaks[:_NAMED]],
    }  # fmt: skip
    if not leaks:
        return Verdict(
            "passed", f"Passes: none of {n_train} training examples is like any of {n_held_out} held-out items.", evidence
        )
    named = ", ".join(f"{leak.train_item} ~ {leak.held_out_item} ({leak.similarity:.2f})" for leak in leaks[:_NAMED])
    return Verdict(
        "failed", f"Fails: {len(leaks)} pairs of training and held-out texts are alike (Jaccard >= {threshold}): {named}.", evidence
    )


def _fold(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
