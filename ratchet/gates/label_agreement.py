"""Label agreement: how far annotators who labelled the same requests agree, and the verdict on it.

Add here measures of agreement. `ratchet/data/consensus.py` makes one label of several corrections;
`ratchet/data/curation.py` decides which of them train.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ratchet.config.policy import Limits
from ratchet.core.verdict import Verdict
from ratchet.metrics.classification import Floats, Integers
from ratchet.metrics.intervals import proportion_interval

DOUBLES_SQL = """
SELECT request_id, annotator, label, week
FROM votes WHERE classifier = $classifier AND week BETWEEN $first AND $week
AND request_id IN (SELECT request_id FROM votes WHERE classifier = $classifier
                   GROUP BY request_id HAVING count(DISTINCT annotator) > 1)
ORDER BY request_id, annotator
"""
"""Newest correction by each person of every request that two or more labelled, as the cycle kept them."""


_RESAMPLES = 500


@dataclass(frozen=True)
class Agreement:
    """Agreement on `doubles` requests: the share on which all annotators agree, and Krippendorff's alpha."""

    doubles: int
    agreement: float | None = None
    agreement_ci: list[float] | None = None
    alpha: float | None = None
    alpha_ci: list[float] | None = None
    confusions: dict[str, int] = field(default_factory=dict)
    """Pairs of labels most often confused: `a / b` to count."""


def measure_agreement(doubles: pd.DataFrame, labels: Sequence[str], *, seed: int = 0) -> Agreement:
    """Measure agreement over rows (request_id, annotator, label) with the newest label of each annotator.

    A request agrees when all its annotators give the same label. Alpha is nominal (Krippendorff 2011), None when only
    one label occurs, with a percentile bootstrap interval over requests; the interval of the agreement is exact
    (Clopper-Pearson).
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
    agreed = int((table.max(axis=1) == table.sum(axis=1)).sum())

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
    )


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


def decide_agreement(found: Agreement, limits: Limits) -> Verdict:
    """Decide whether annotators agree on at least `min_agreement` of the doubles; inconclusive for too few doubles."""
    needed = {"min_doubles": limits.min_doubles, "min_agreement": limits.min_agreement}
    evidence = {**{key: value for key, value in vars(found).items() if value is not None}, "limits": needed}
    if found.agreement is None or found.doubles < limits.min_doubles:
        return Verdict(
            "inconclusive",
            f"No verdict: {found.doubles} doubly labelled requests, at least {limits.min_doubles} are needed.",
            evidence,
        )
    alpha = "" if found.alpha is None or found.alpha_ci is None else (
        f"; Krippendorff's alpha {found.alpha:.3f}, 95 % CI [{found.alpha_ci[0]:.3f}, {found.alpha_ci[1]:.3f}]"
    )  # fmt: skip
    worst = f"; most confused: {next(iter(found.confusions))}" if found.confusions else ""
    passed = found.agreement >= limits.min_agreement
    return Verdict(
        "passed" if passed else "failed",
        f"{'Passes' if passed else 'Fails'}: annotators agree on {found.agreement:.1%} of {found.doubles} doubly"
        f" labelled requests (limit {limits.min_agreement:.0%}){alpha}{'' if passed else worst}.",
        evidence,
    )


def judge_weeks(
    doubles: pd.DataFrame, labels: Sequence[str], limits: Limits
) -> dict[str, tuple[Verdict, pd.DataFrame]]:
    """Return the verdict on each week of `doubles` (with a column `week`), and the rows that it is about."""
    judged = {}
    for week, rows in doubles.groupby(doubles["week"].astype(str).str[:10], sort=True):
        judged[str(week)] = decide_agreement(measure_agreement(rows, labels), limits), rows
    return judged


def with_earlier_weeks(own: Verdict, earlier: Mapping[str, Verdict]) -> Verdict:
    """Return the verdict on the cycle's own week with those on earlier weeks as evidence; a failed one is named.

    A failed earlier week blocks nothing: it does not train.
    """
    failed = [
        f"{week} ({verdict.evidence['agreement']:.1%})" for week, verdict in earlier.items() if not verdict.passed
    ]
    held = f" Earlier weeks that fail, and do not train: {', '.join(failed)}." if failed else ""
    weeks = {
        week: {"outcome": verdict.outcome, "reason": verdict.reason, "agreement": verdict.evidence.get("agreement")}
        for week, verdict in earlier.items()
    }
    return Verdict(own.outcome, f"{own.reason}{held}", {**own.evidence, "weeks": weeks})


def decide_from_evidence(evidence: Mapping[str, Any]) -> Verdict:
    """Verdict that follows from the evidence of a receipt; KeyError where it lacks something.

    Alpha decides nothing, and is taken as it stands; agreement and its interval are computed from the number of
    requests on which all agree.
    """
    measured = {key: evidence[key] for key in Agreement.__dataclass_fields__ if key in evidence}
    found, limits = Agreement(**measured), evidence["limits"]
    if found.agreement is not None:
        agreed = round(found.agreement * found.doubles)
        interval = list(proportion_interval(agreed, found.doubles))
        found = replace(found, agreement=agreed / found.doubles, agreement_ci=interval)
    needed = Limits(min_doubles=limits["min_doubles"], min_agreement=limits["min_agreement"])
    earlier = {
        week: Verdict(judged["outcome"], judged["reason"], {"agreement": judged["agreement"]})
        for week, judged in evidence["weeks"].items()
    }
    return with_earlier_weeks(decide_agreement(found, needed), earlier)


def _most_confused(table: Any, labels: Sequence[str]) -> dict[str, int]:
    pairs: dict[str, int] = {}
    for row in table:
        given = [label for label, votes in zip(labels, row, strict=True) if votes]
        for i, first in enumerate(given):
            for second in given[i + 1 :]:
                pairs[f"{first} / {second}"] = pairs.get(f"{first} / {second}", 0) + 1
    return dict(sorted(pairs.items(), key=lambda item: (-item[1], item[0]))[:5])
