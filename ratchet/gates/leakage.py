"""Leakage: an independent check that no held-out text occurs in train, exactly or nearly.

It shares no code with curation's MinHash on purpose, and it is exact: the filter in front of the comparison only skips
pairs that cannot reach the threshold. Only the passages that both set aside as boilerplate are curation's. Add here
what counts as a leak; `ratchet/data/curation.py` decides what to remove.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ratchet.core.verdict import Verdict
from ratchet.data.boilerplate import Boilerplate, Rest

_BLOCK = 2048
_NAMED = 10
_RUN, _SHARED = 3, 20


@dataclass(frozen=True)
class Leak:
    """Training example that is similar to a held-out item. `similarity` is 1 for the same text."""

    train_item: str
    held_out_item: str
    similarity: float


def find_leaks(train: Sequence[tuple[str, str]], held_out: Sequence[tuple[str, str]], threshold: float) -> list[Leak]:
    """Return the leaks between `train` and `held_out`, sequences of (item, text), most similar first.

    A leak has a similarity of `threshold` or more: the Jaccard index of sets of 3-character runs. Equal texts, however
    short, have similarity 1.
    """
    if not train or not held_out:
        return []
    ours, theirs = [_fold(text) for _, text in train], [_fold(text) for _, text in held_out]
    places: dict[str, list[int]] = {}
    for j, text in enumerate(theirs):
        places.setdefault(text, []).append(j)
    # Equal texts first: one shorter than a run has no runs, so its index would not be defined.
    pairs = {(i, j): 1.0 for i, text in enumerate(ours) for j in places.get(text, ())}
    for i, j in _propose(ours, theirs, threshold):
        first, second = _runs(ours[i]), _runs(theirs[j])
        shared = len(first & second)
        similarity = shared / (len(first) + len(second) - shared)
        if similarity >= threshold:
            pairs.setdefault((i, j), similarity)
    leaks = [Leak(train[i][0], held_out[j][0], similarity) for (i, j), similarity in pairs.items()]
    return sorted(leaks, key=lambda leak: (-leak.similarity, leak.train_item, leak.held_out_item))


def find_leaks_beside(
    boilerplate: Boilerplate,
    train: Sequence[tuple[str, str]],
    held_out: Sequence[tuple[str, str]],
    golden: Sequence[tuple[str, str]],
    threshold: float,
) -> list[Leak]:
    """Return the leaks of `find_leaks` in what is left of texts beside `boilerplate`, and those of equal whole texts.

    A golden item that is boilerplate alone is compared whole with whole texts.
    """
    ours, theirs, hand_reviewed = ([(item, _fold(text)) for item, text in each] for each in (train, held_out, golden))
    rests = [boilerplate.set_aside([text for _, text in each]) for each in (ours, theirs, hand_reviewed)]
    found = find_leaks(_left(ours, rests[0]), _left(theirs + hand_reviewed, rests[1] + rests[2]), threshold)
    bare = [named for named, rest in zip(hand_reviewed, rests[2], strict=True) if rest.bare]
    places: dict[str, list[str]] = {}
    for item, text in theirs + hand_reviewed:
        places.setdefault(text, []).append(item)
    equal = [Leak(item, other, 1.0) for item, text in ours for other in places.get(text, ())]
    every = {
        (leak.train_item, leak.held_out_item): leak for leak in [*found, *find_leaks(ours, bare, threshold), *equal]
    }
    return sorted(every.values(), key=lambda leak: (-leak.similarity, leak.train_item, leak.held_out_item))


def _left(named: Sequence[tuple[str, str]], rests: Sequence[Rest]) -> list[tuple[str, str]]:
    return [(item, rest.text) for (item, _), rest in zip(named, rests, strict=True)]


def _propose(ours: Sequence[str], theirs: Sequence[str], threshold: float) -> Iterator[tuple[int, int]]:
    """Yield pairs that may overlap by `threshold`; every pair that does is among them.

    Sets of a and b runs that overlap by t share at least c = ceil(t * max(a, b)) of them. So, in one common order of
    runs, the first a - ceil(t * a) + m of one and the first b - ceil(t * b) + m of the other share at least min(m, c)
    (the prefix filter of set-similarity joins, Chaudhuri et al. 2006). With the rarest runs first, few unlike pairs
    share that many.
    """
    from sklearn.feature_extraction.text import CountVectorizer

    counter = CountVectorizer(analyzer=_runs, dtype=np.int32)
    if not any(len(text) >= _RUN for text in theirs) or not any(len(text) >= _RUN for text in ours):
        return
    every = counter.fit_transform([*theirs, *ours])
    every = every[:, np.argsort(np.asarray(every.sum(axis=0)).ravel(), kind="stable")].sorted_indices()
    sizes = np.diff(every.indptr)
    # Less a little: rounding must not raise what a pair exactly at the threshold needs.
    needed = np.ceil(threshold * sizes - 1e-9).astype(np.int64)
    rank = np.arange(every.nnz) - np.repeat(every.indptr[:-1], sizes)
    every.data[rank >= np.repeat(sizes - needed + _SHARED, sizes)] = 0
    every.eliminate_zeros()
    n = len(theirs)
    right, enough = every[:n].T.tocsr(), np.minimum(needed, _SHARED)
    for start in range(n, n + len(ours), _BLOCK):
        shared: Any = (every[start : start + _BLOCK] @ right).tocoo()
        rows, columns = shared.row + start, shared.col
        small, large = np.minimum(sizes[rows], sizes[columns]), np.maximum(sizes[rows], sizes[columns])
        maybe = (shared.data >= np.maximum(enough[rows], enough[columns])) & (small >= threshold * large - 1e-9)
        yield from zip((rows[maybe] - n).tolist(), columns[maybe].tolist(), strict=True)


def decide_leakage(leaks: Sequence[Leak], n_train: int, n_held_out: int, threshold: float) -> Verdict:
    """Decide whether no training example is a (near-)duplicate of a held-out item; names the first ten leaks."""
    return _decide(len(leaks), leaks[:_NAMED], n_train, n_held_out, threshold)


def decide_from_evidence(evidence: Mapping[str, Any]) -> Verdict:
    """Verdict that follows from the evidence of a receipt; KeyError where it lacks something."""
    first = [Leak(**leak) for leak in evidence["first"]]
    # A count of 0 beside named leaks contradicts itself: the leaks count.
    n = max(evidence["leaks"], len(first))
    return _decide(n, first, evidence["n_train"], evidence["n_held_out"], evidence["jaccard"])


def _decide(n: int, first: Sequence[Leak], n_train: int, n_held_out: int, threshold: float) -> Verdict:
    evidence = {
        "leaks": n, "n_train": n_train, "n_held_out": n_held_out, "jaccard": threshold,
        "first": [vars(leak) for leak in first],
    }  # fmt: skip
    if not n:
        return Verdict(
            "passed",
            f"Passes: none of {n_train} training examples is like any of {n_held_out} held-out items.",
            evidence,
        )
    named = ", ".join(f"{leak.train_item} ~ {leak.held_out_item} ({leak.similarity:.2f})" for leak in first)
    return Verdict(
        "failed",
        f"Fails: {n} pairs of training and held-out texts are alike (Jaccard >= {threshold}): {named}.",
        evidence,
    )


def _fold(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _runs(text: str) -> set[str]:
    return {text[i : i + _RUN] for i in range(len(text) - _RUN + 1)}
