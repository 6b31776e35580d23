"""Agreement of annotators who labelled the same requests: by pairs of annotators, by label, and Krippendorff's alpha.

Add here measures of agreement; the verdict on them is `ratchet/gates/label_agreement.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ratchet.metrics.annotator_pairs import measure_pairs
from ratchet.metrics.classification import Floats, Integers
from ratchet.metrics.intervals import proportion_interval

_RESAMPLES = 500


@dataclass(frozen=True)
class LabelAgreement:
    """Requests with a pair of annotators of whom one or both gave a label, and those among them whose pair agreed.

    Of two annotators both are whole numbers. Of more, a request counts by the shares of its pairs. `won_mentioned` and
    `won_both` are those of the requests on which no other label has more votes: what it could train.
    """

    mentioned: float
    both: float
    won_mentioned: float
    won_both: float

    @property
    def confirmed(self) -> float:
        """Share of the votes for the label that another annotator of the same request confirms, 0..1.

        Positive agreement (Dice 1945): a pair that agrees holds two such votes, one that does not holds one.
        """
        return _as_votes(self.both / self.mentioned)

    def bounds(self, confidence: float) -> tuple[float, float]:
        """Return the exact interval of `confirmed`: that of a share of requests, as votes."""
        return _bound(self.both, self.mentioned, confidence)

    def won_bounds(self, confidence: float) -> tuple[float, float]:
        """Return the same interval of the requests that the label wins or ties; all of 0..1 where there is none."""
        return _bound(self.won_both, self.won_mentioned, confidence) if self.won_mentioned else (0.0, 1.0)


def _bound(both: float, mentioned: float, confidence: float) -> tuple[float, float]:
    low, high = proportion_interval(both, mentioned, confidence)
    return _as_votes(low), _as_votes(high)


def _as_votes(share: float) -> float:
    return 2 * share / (1 + share)


@dataclass(frozen=True)
class Agreement:
    """Agreement on `doubles` requests: the share of pairs of annotators that agree, and Krippendorff's alpha."""

    doubles: int
    agreement: float | None = None
    agreement_ci: list[float] | None = None
    alpha: float | None = None
    alpha_ci: list[float] | None = None
    confusions: dict[str, int] = field(default_factory=dict)
    """Pairs of labels most often confused: `a / b` to count."""
    by_label: dict[str, dict[str, float]] = field(default_factory=dict)
    """`LabelAgreement` of each label that somebody gave, as JSON types."""
    pairs: list[list[float]] = field(default_factory=list)
    """Counts of each two annotators (`annotator_pairs.py`), which names nobody."""


def measure_agreement(doubles: pd.DataFrame, labels: Sequence[str], *, seed: int = 0) -> Agreement:
    """Measure agreement over rows (request_id, annotator, label) with the newest label of each annotator.

    Each request counts once, by the share of its pairs of annotators that agree, however many they are. Alpha is
    nominal (Krippendorff 2011), None when only one label occurs, with a percentile bootstrap interval over requests;
    the interval of the agreement is exact (Clopper-Pearson).
    """
    known = doubles[doubles["label"].isin(labels)]
    counts = (
        known.groupby(["request_id", "label"], observed=True).size().unstack(fill_value=0).reindex(columns=list(labels))
    )
    table = counts.fillna(0).to_numpy(dtype=np.int64)
    table = table[table.sum(axis=1) > 1]
    n = len(table)
    if n == 0:
        return Agreement(0)
    given = table.sum(axis=1)
    pairs = given * (given - 1)
    agreed = float(((table * (table - 1)).sum(axis=1) / pairs).sum())

    alpha = float(nominal_alpha(table, np.ones((1, n)))[0])
    drawn = nominal_alpha(table, np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), _RESAMPLES))
    drawn = drawn[np.isfinite(drawn)]  # a resample with one label only has no alpha
    return Agreement(
        doubles=n,
        agreement=agreed / n,
        agreement_ci=list(proportion_interval(agreed, n)),
        alpha=alpha if np.isfinite(alpha) else None,
        alpha_ci=[float(v) for v in np.percentile(drawn, (2.5, 97.5))] if len(drawn) else None,
        confusions=_most_confused(table, labels),
        by_label=_by_label(table, labels),
        pairs=[list(pair) for pair in measure_pairs(doubles, labels).pairs],
    )


def _by_label(table: Integers, labels: Sequence[str]) -> dict[str, dict[str, float]]:
    given = table.sum(axis=1, keepdims=True)
    pairs, rest = given * (given - 1), given - table
    mentioned, both = 1 - rest * (rest - 1) / pairs, table * (table - 1) / pairs
    won = (table > 0) & (table == table.max(axis=1, keepdims=True))
    counted = {
        "mentioned": mentioned.sum(axis=0),
        "both": both.sum(axis=0),
        "won_mentioned": (mentioned * won).sum(axis=0),
        "won_both": (both * won).sum(axis=0),
    }
    found = {label: {key: float(sums[i]) for key, sums in counted.items()} for i, label in enumerate(labels)}
    return {label: counts for label, counts in found.items() if counts["mentioned"] > 0}


def nominal_alpha(table: Integers, weights: NDArray[Any]) -> Floats:
    """Krippendorff's nominal alpha, at most 1, for each row of `weights`: [b].

    `table` [n, k] counts the annotators that gave each label to each request, two or more per request; `weights` [b, n]
    says how often each request counts. NaN where only one label occurs: agreement by chance is then not defined. `1 -
    observed / expected disagreement` (Krippendorff 2011, section C).
    """
    given = table.sum(axis=1)
    alike = (table * (table - 1)).sum(axis=1) / (given - 1)
    totals = weights @ table
    n = totals.sum(axis=1)
    observed = 1 - weights @ alike / n
    expected = 1 - (totals * (totals - 1)).sum(axis=1) / (n * (n - 1))
    single = (totals > 0).sum(axis=1) < 2
    return np.asarray(1 - np.divide(observed, expected, out=np.full_like(observed, np.nan), where=~single))


def _most_confused(table: Any, labels: Sequence[str]) -> dict[str, int]:
    pairs: dict[str, int] = {}
    for row in table:
        given = [label for label, votes in zip(labels, row, strict=True) if votes]
        for i, first in enumerate(given):
            for second in given[i + 1 :]:
                pairs[f"{first} / {second}"] = pairs.get(f"{first} / {second}", 0) + 1
    return dict(sorted(pairs.items(), key=lambda item: (-item[1], item[0]))[:5])
