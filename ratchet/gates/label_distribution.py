"""Label distribution: comparison of the training set with the production that the candidate will meet.

Add here comparisons of label counts; comparisons of texts (drift) belong in a module of their own.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratchet.core.verdict import Verdict
from ratchet.data.label_selection import LabelSelection, describe_selection
from ratchet.metrics.intervals import proportion_interval

SERVED_SQL = """
SELECT label, count(*) AS requests, count(confidence) / count(*) AS with_confidence, avg(confidence) AS mean_confidence
FROM read_logs WHERE classifier = $classifier AND week = $week GROUP BY label ORDER BY requests DESC, label
"""
"""Requests of one week by served label."""

CONSENSUS_COUNTS_SQL = """
SELECT labels.label, count(*) AS n,
       count(*) FILTER (labels.label = logs.label OR list_contains(logs.parts, labels.label)) AS confirming
FROM labels LEFT JOIN read_logs logs USING (classifier, request_id)
WHERE classifier = $classifier AND labels.week = $week AND status = 'consensus' AND coalesce(labels.drawn, true)
GROUP BY labels.label
"""
"""Consensus labels among the corrected requests of one week, and how many of them confirm what was served.

Those that were chosen for their value are left out.
"""

DISTRIBUTION_RULE = 5
"""Revision of the rule, which its evidence names; the first blocked at a distance that chance was part of, the second
where a single label among fifty was of a class that train lacks, the third took labels of errors alone for the mix of
production, the fourth took the mean of chance off the distance, which hides a share that triples."""
_DERIVABLE = (3, 4, 5)
_SINCE_CONFIRMING = 4
_SEED = 0
_RESAMPLES = 4000
_BLOCK = 2_000_000
"""Counts that the bootstrap holds at once: with thousands of labels all samples would take a gigabyte."""
_ALPHA = 0.005
"""Chance of a warning without a shift, by the p-value alone; the limit lowers it further."""
_LEAST_LABELS = 5
_LEAST_SHARE = 0.02
_LEAST_LOW = 0.01
_CONFIDENCE = 0.99
"""A label is clearly there with five labels that are 2 % of production, where the lower end of the exact one-sided 99 %
interval of its share is 1 %: a label with a smaller share blocks fewer than one week of a hundred, by chance."""
_SHOWN = 3
_LEAST_MOVE = 0.01


def jensen_shannon_distance(first: Sequence[float] | NDArray[Any], second: Sequence[float] | NDArray[Any]) -> float:
    """Return the Jensen-Shannon distance, 0 (equal) to 1 (disjoint).

    It is the square root of the divergence in bits (Endres and Schindelin 2003).
    """
    return float(_distances(np.asarray([first], dtype=float), np.asarray([second], dtype=float))[0])


def _distances(first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.float64]:
    """Return the distance of each row of counts [b, k] from the same row of the other: [b]."""
    from scipy.special import rel_entr

    p, q = (counts / counts.sum(axis=1, keepdims=True) for counts in (first, second))
    middle = (p + q) / 2
    divergence = (rel_entr(p, middle) + rel_entr(q, middle)).sum(axis=1) / (2 * np.log(2))
    return np.asarray(np.sqrt(np.clip(divergence, 0, 1)))  # rounding can leave the range by 1e-16


def distances_by_chance(first: Sequence[int], second: Sequence[int], *, seed: int = _SEED) -> NDArray[np.float64]:
    """Return the distances of samples of both sizes from one and the same mix, that of both together: [4000].

    A parametric bootstrap: small samples of equal mix differ, the more so the more labels there are.
    """
    ours, theirs = np.asarray(first), np.asarray(second)
    mix = (ours + theirs) / (ours.sum() + theirs.sum())
    generator = np.random.default_rng(seed)
    rows, blocks = max(1, _BLOCK // len(mix)), []
    for start in range(0, _RESAMPLES, rows):
        n = min(rows, _RESAMPLES - start)
        blocks.append(_distances(*(generator.multinomial(int(counts.sum()), mix, n) for counts in (ours, theirs))))
    return np.concatenate(blocks)


def compare_mixes(first: Sequence[int], second: Sequence[int], *, seed: int = _SEED) -> dict[str, float]:
    """Return the distance of two counts by label, that of chance (root mean square), what is left of it without
    chance, and the p-value of one and the same mix.

    Squares are taken off each other, since the divergence is what chance adds to: `sqrt(max(0, D^2 - E0[D^2]))`. The
    p-value joins the bootstrap of the distance, which sees many small moves, and an exact test of each label (Fisher),
    which sees a large one among many labels; each gets half of the error, labels share theirs.
    """
    distance, chance = jensen_shannon_distance(first, second), distances_by_chance(first, second, seed=seed)
    squared = float((chance**2).mean())
    by_distance = (1 + int((chance >= distance).sum())) / (1 + len(chance))
    return {
        "distance": distance,
        "chance": float(np.sqrt(squared)),
        "excess": float(np.sqrt(max(0.0, distance**2 - squared))),
        "p": min(1.0, 2 * min(by_distance, _least_by_label(np.asarray(first), np.asarray(second)))),
    }


def _least_by_label(first: NDArray[Any], second: NDArray[Any]) -> float:
    """Return the smallest two-sided exact p-value (Fisher) of a label's share, times the labels that occur."""
    from scipy.stats import hypergeom

    both, n, m = first + second, int(first.sum()), int(second.sum())
    null = hypergeom(n + m, both, m)
    p = 2 * np.minimum(null.cdf(second), null.sf(second - 1))
    return float(min(1.0, p.min() * (both > 0).sum()))


def _beside_mean(first: Sequence[int], second: Sequence[int]) -> dict[str, float]:
    """Return the figures of earlier rules, which took the mean distance of chance off the distance."""
    distance, chance = jensen_shannon_distance(first, second), distances_by_chance(first, second)
    excess, p = distance - float(chance.mean()), (1 + int((chance >= distance).sum())) / (1 + len(chance))
    return {"distance": distance, "chance": float(chance.mean()), "excess": excess, "p": p}


def decide_distribution(
    train: Mapping[str, int],
    production: Mapping[str, int],
    labels: Sequence[str],
    limit: float,
    live_labels: Collection[str] | None = None,
    confirming: int | None = None,
    drawn: Mapping[str, int] | None = None,
) -> Verdict:
    """Decide whether train has the labels that it needs, and warn where its mix is not that of production.

    `drawn` are the counts of train without what was chosen for its value, whose mix is that of the choice: where they
    are given, these are compared with production.

    `train` and `production` count examples by label, `live_labels` are those that live answers (None in a first cycle:
    every label of the specification), `confirming` of the week's labels are what was served (None where that is not
    known). Served labels are not used else: they are what the model is to improve on.
    """
    named = [*labels, *sorted(set(live_labels or ()) - set(labels))]
    return decide_from_evidence(
        {
            "rule": DISTRIBUTION_RULE,
            "train": {label: int(train.get(label, 0)) for label in named},
            "production": {label: int(production.get(label, 0)) for label in named},
            "limit": limit,
            "live_labels": None if live_labels is None else sorted(live_labels),
            "confirming": confirming,
            **({} if drawn is None else {"drawn_in_train": {label: int(drawn.get(label, 0)) for label in named}}),
        }
    )


def decide_from_evidence(evidence: Mapping[str, Any]) -> Verdict:
    """Verdict that follows from the evidence of a receipt; KeyError where it lacks something.

    It fails only where train lacks a label that live answers and that production clearly has: at least five and 2 % of
    its labels, with an exact one-sided 99 % interval above 1 %. A distance over the limit, with that of chance taken
    off, warns where chance alone does so in fewer than 5 of 1,000 weeks (`compare_mixes`): retraining is what a shift
    needs. Where hardly any label of the week confirms what was served, errors alone were labelled: their mix is
    not that of production, and gives no verdict.
    """
    if evidence["rule"] not in _DERIVABLE:
        raise KeyError(f"rule {DISTRIBUTION_RULE}")
    train, production, live_labels = evidence["train"], evidence["production"], evidence["live_labels"]
    newer = ("confirming",) if evidence["rule"] >= _SINCE_CONFIRMING else ()
    found = {key: evidence[key] for key in ("rule", "train", "production", "limit", "live_labels", *newer)}
    found |= {key: evidence[key] for key in ("drawn_in_train",) if key in evidence}
    compared = evidence.get("drawn_in_train", train)
    total = sum(production.values())
    missing = [label for label, n in train.items() if not n]
    needed = set(train) if live_labels is None else set(live_labels)
    clearly = [label for label in missing if label in needed and total and _is_clearly_there(production[label], total)]
    if clearly:
        why = "a first candidate needs every label" if live_labels is None else "live answers"
        shares = ", ".join(f"{label} ({production[label]} of {total} production labels)" for label in clearly)
        reason = f"Fails: no training example for {shares}: {why}{'' if live_labels is None else ' it'}."
        return Verdict("failed", reason, {**found, "missing": missing})
    without = _describe_missing(missing, needed)
    if not total or not sum(compared.values()):
        few = "train has no example" if compared is train else "train has no example that was drawn at random"
        nothing = "the week has no corrected production" if not total else few
        return Verdict(
            "inconclusive", f"No verdict: {nothing} to compare with.{without}", {**found, "missing": missing}
        )
    if found.get("confirming") is not None and LabelSelection(total, found["confirming"]).is_of_errors:
        finding = describe_selection(total, found["confirming"], " of the week", "labels")
        reason = f"No verdict: {finding}. Their mix is not that of production.{without}"
        return Verdict("inconclusive", reason, {**found, "missing": missing})
    ours, theirs = list(compared.values()), list(production.values())
    measured = _beside_mean(ours, theirs) if evidence["rule"] < DISTRIBUTION_RULE else compare_mixes(ours, theirs)
    excess, p = measured["excess"], measured["p"]
    found |= {"missing": missing, **measured}
    figures = (
        f"Jensen-Shannon distance {measured['distance']:.3f} between {sum(ours)} training labels and {total} production"
        f" labels, {excess:.3f} without chance (limit {evidence['limit']}, p = {p:.2g})"
    )
    if excess > evidence["limit"] and p < _ALPHA:
        moved = _list_moves(compared, production)
        return Verdict("warned", f"Warns: the mix has moved: {moved}; {figures}.{without}", {**found, "moved": moved})
    if missing:
        return Verdict("warned", f"Warns: {figures}.{without}", found)
    return Verdict("passed", f"Passes: {figures}.", found)


def _describe_missing(missing: Sequence[str], needed: Collection[str]) -> str:
    rare = [label for label in missing if label in needed]
    new = [label for label in missing if label not in needed]
    lists = ((rare, "which hardly occurs in production"), (new, "which live does not answer either"))
    return "".join(f" No training example for {', '.join(labels)}, {why}." for labels, why in lists if labels)


def _is_clearly_there(n: int, total: int) -> bool:
    low, _ = proportion_interval(n, total, 1 - 2 * (1 - _CONFIDENCE))
    return n >= _LEAST_LABELS and n / total >= _LEAST_SHARE and low >= _LEAST_LOW


def _list_moves(train: Mapping[str, int], production: Mapping[str, int]) -> str:
    """Name the labels whose shares differ most, from train to production."""
    ours, theirs = sum(train.values()), sum(production.values())
    shares = [(label, train[label] / ours, production[label] / theirs) for label in train]
    shares.sort(key=lambda share: -abs(share[2] - share[1]))
    moved = [share for share in shares[:_SHOWN] if abs(share[2] - share[1]) >= _LEAST_MOVE] or shares[:1]
    return ", ".join(f"{label} from {100 * before:.1f} % to {100 * after:.1f} %" for label, before, after in moved)
