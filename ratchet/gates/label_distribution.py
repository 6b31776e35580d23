"""Label distribution: comparison of the training set with the production that the candidate will meet.

Add here comparisons of label counts; comparisons of texts (drift) belong in a module of their own.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ratchet.core.verdict import Verdict

SERVED_SQL = """
SELECT label, count(*) AS requests, count(confidence) / count(*) AS with_confidence, avg(confidence) AS mean_confidence
FROM production_logs WHERE classifier = $classifier AND week = $week GROUP BY label ORDER BY requests DESC, label
"""
"""Requests of one week by served label."""

CONSENSUS_COUNTS_SQL = """
SELECT label, count(*) AS n FROM labels
WHERE classifier = $classifier AND week = $week AND status = 'consensus' GROUP BY label
"""
"""Consensus labels among the corrected requests of one week, counted."""


def jensen_shannon_distance(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the Jensen-Shannon distance, 0 (equal) to 1 (disjoint).

    It is the square root of the divergence in bits (Endres and Schindelin 2003).
    """
    from scipy.spatial.distance import jensenshannon

    return float(jensenshannon(np.asarray(first, dtype=float), np.asarray(second, dtype=float), base=2))


def decide_distribution(
    train: Mapping[str, int], production: Mapping[str, int], labels: Sequence[str], limit: float
) -> Verdict:
    """Decide whether each label occurs in train and the distance to the week's corrected production is within `limit`.

    `train` and `production` count examples by label. Served labels are not used: they are what the model is to improve
    on.
    """
    ours, theirs = [train.get(label, 0) for label in labels], [production.get(label, 0) for label in labels]
    evidence = {
        "train": dict(zip(labels, ours, strict=True)),
        "production": dict(zip(labels, theirs, strict=True)),
        "limit": limit,
    }
    missing = [label for label, n in zip(labels, ours, strict=True) if not n]
    if missing:
        return Verdict("failed", f"Fails: no training example for {', '.join(missing)}.", evidence)
    if not sum(theirs):
        return Verdict("inconclusive", "No verdict: the week has no corrected production to compare with.", evidence)
    distance = jensen_shannon_distance(ours, theirs)
    evidence["distance"] = distance
    shares = np.asarray(ours) / sum(ours) - np.asarray(theirs) / sum(theirs)
    widest = int(np.abs(shares).argmax())
    passed = distance <= limit
    return Verdict(
        "passed" if passed else "failed",
        f"{'Passes' if passed else 'Fails'}: Jensen-Shannon distance {distance:.3f} between {sum(ours)} training labels"
        f" and {sum(theirs)} production labels (limit {limit}); widest at {labels[widest]} ({shares[widest]:+.1%}).",
        evidence,
    )


def decide_from_evidence(evidence: Mapping[str, Any]) -> Verdict:
    """Verdict that follows from the evidence of a receipt; KeyError where it lacks something."""
    train = evidence["train"]
    return decide_distribution(train, evidence["production"], list(train), evidence["limit"])
