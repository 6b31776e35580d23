"""Annotators in pairs: how often each two agree, and who differs from all others.

Add here measures by annotator; the agreement of all is `agreement.py`. Annotators are numbers here, in the order of
their agreement: whoever reads the evidence of a verdict learns figures, not names.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ratchet.metrics.intervals import proportion_interval

_ALPHA = 0.01
"""Chance that anyone is named though all are alike; shared among those who are compared."""
_LEAST_PEOPLE = 3
Pairs = Sequence[Sequence[float]]
"""One [i, j, agreed, n] for each two annotators (0, 1, 2 ...) who labelled the same requests."""


@dataclass(frozen=True)
class AnnotatorPairs:
    """Annotators, those who agree least first, and the counts of each two of them."""

    names: tuple[str, ...] = ()
    pairs: tuple[tuple[int, int, float, float], ...] = ()


@dataclass(frozen=True)
class DifferingAnnotator:
    """Annotator who agrees clearly less often with the others than these do with each other."""

    annotator: int
    agreed: float
    n: float
    """Requests with another annotator, and those of them on which both gave the same label."""
    others_agreed: float
    others_n: float
    p: float

    def as_json(self) -> dict[str, Any]:
        """Return JSON types."""
        return asdict(self)


def measure_pairs(doubles: pd.DataFrame, labels: Sequence[str]) -> AnnotatorPairs:
    """Count the pairs of annotators in rows (request_id, annotator, label) with one label of each.

    A request of m annotators has m (m - 1) / 2 pairs but only m - 1 that are free of each other, so each of its pairs
    counts 2 / m. Of two annotators all counts are whole.
    """
    known = doubles.loc[doubles["label"].isin(labels), ["request_id", "annotator", "label"]]
    joined = known.merge(known, on="request_id", suffixes=("", "_other"))
    joined = joined[joined["annotator"] < joined["annotator_other"]]
    if joined.empty:
        return AnnotatorPairs()
    given = known.groupby("request_id").size()
    joined = joined.assign(n=2.0 / joined["request_id"].map(given), same=joined["label"] == joined["label_other"])
    joined["agreed"] = joined["n"] * joined["same"]
    counts = joined.groupby(["annotator", "annotator_other"])[["agreed", "n"]].sum()
    sums: dict[str, list[float]] = {}
    for (first, second), (agreed, n) in zip(counts.index, counts.to_numpy().tolist(), strict=True):
        for name in (first, second):
            mine = sums.setdefault(str(name), [0.0, 0.0])
            sums[str(name)] = [mine[0] + agreed, mine[1] + n]
    names = sorted(sums, key=lambda name: (sums[name][0] / sums[name][1], sums[name][1], name))
    place = {name: i for i, name in enumerate(names)}
    pairs = sorted(
        (*sorted((place[str(first)], place[str(second)])), float(agreed), float(n))
        for (first, second), (agreed, n) in zip(counts.index, counts.to_numpy().tolist(), strict=True)
    )
    return AnnotatorPairs(tuple(names), tuple((int(i), int(j), agreed, n) for i, j, agreed, n in pairs))


def find_differing(pairs: Pairs, limit: float) -> list[DifferingAnnotator]:
    """Return the annotators who differ from all others, the clearest first.

    Each one's pairs are compared with the pairs of the others by Fisher's exact one-sided test, at 1 % shared among
    them (Bonferroni); also, the upper end of the exact 99 % interval, shared alike, must lie below `limit`: nobody is
    named for agreeing less than very good colleagues. The worst is taken out and the rest compared again, else all who
    were asked beside a random one would look bad. Of two annotators nobody can say which one differs.
    """
    people = 1 + max((int(max(pair[0], pair[1])) for pair in pairs), default=-1)
    agreed, n = np.zeros((people, people)), np.zeros((people, people))
    for i, j, same, both in pairs:
        agreed[int(i), int(j)] = agreed[int(j), int(i)] = same
        n[int(i), int(j)] = n[int(j), int(i)] = both
    left, found = list(range(people)), list[DifferingAnnotator]()
    while len(left) >= _LEAST_PEOPLE:
        worst = _worst(agreed[np.ix_(left, left)], n[np.ix_(left, left)])
        each = _ALPHA / len(left)
        if worst.p > each or proportion_interval(worst.agreed, worst.n, 1 - each)[1] >= limit:
            break
        name = left.pop(worst.annotator)
        found.append(DifferingAnnotator(**{**worst.as_json(), "annotator": name}))
    return found


def _worst(agreed: NDArray[Any], n: NDArray[Any]) -> DifferingAnnotator:
    """Return the annotator with the smallest p-value; counts that are not whole are rounded in their favour."""
    from scipy.stats import hypergeom

    own_n, own = n.sum(axis=1), agreed.sum(axis=1)
    rest_n, rest = n.sum() / 2 - own_n, agreed.sum() / 2 - own
    wrong, rest_wrong = np.floor(own_n - own + 1e-9), np.ceil(rest_n - rest - 1e-9)
    whole, rest_whole = np.ceil(own_n - 1e-9), np.maximum(np.floor(rest_n + 1e-9), rest_wrong)
    p = hypergeom.sf(wrong - 1, whole + rest_whole, wrong + rest_wrong, whole)
    p = np.where((own_n > 0) & (rest_n > 0), p, 1.0)
    i = min(range(len(p)), key=lambda i: (p[i], own[i] / max(own_n[i], 1e-9)))
    return DifferingAnnotator(i, *(float(v[i]) for v in (own, own_n, rest, rest_n, p)))
