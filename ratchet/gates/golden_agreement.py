"""Golden agreement: comparison of the week's blind labels with the meaning of the labels in the golden set.

Annotators who make the same mistake agree with each other, so `label_agreement` cannot see it; and a week is tested on
before it is trained on, so `golden_set_regression` sees the damage one cycle too late. The candidate knows both sets:
where it agrees with the golden labels of a class, and contradicts most of the week's labels of that class, the meaning
of the labels has changed.

Add here comparisons of the week with the golden set; losses against live are in `golden_set_regression.py`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ratchet.core.verdict import Verdict
from ratchet.metrics.intervals import proportion_interval

CONFUSIONS_SQL = """
SELECT split, label, predicted, count(*)::BIGINT AS n FROM predictions
WHERE classifier = $classifier AND week = $week AND model = 'candidate' AND adapter = $adapter
GROUP BY ALL ORDER BY ALL
"""
"""Counts of the candidate's predictions for each label of test and golden."""

_MAJORITY = 0.5
_ALPHA = 0.05


def decide_golden_agreement(rows: Iterable[Mapping[Any, Any]]) -> Verdict:
    """Decide whether the week's labels of a class contradict the golden set, judged by the candidate.

    `rows` are those of `CONFUSIONS_SQL`. A class is contradicted when its recall is under one half on test, at least
    one half on golden, and the exact intervals of the two do not overlap: at 95 %, divided among the classes that are
    compared (Bonferroni), so that many classes do not raise false alarms. A class with too few items is never called
    contradicted.
    """
    counts: dict[str, dict[str, dict[str, int]]] = {"test": {}, "golden": {}}
    for row in rows:
        counts[row["split"]].setdefault(row["label"], {})[row["predicted"]] = int(row["n"])
    both = [label for label in counts["test"] if counts["golden"].get(label)]
    confidence = 1 - _ALPHA / max(1, len(both))  # Bonferroni: each further class would add a chance of a false alarm
    judged = {label: _compare(label, counts["test"][label], counts["golden"][label], confidence) for label in both}
    evidence = {"classes": judged, "confidence": confidence}
    if not judged:
        return Verdict(
            "inconclusive", "No verdict: no class has both blind labels of the week and golden items.", evidence
        )
    contradicted = {label: compared for label, compared in judged.items() if compared["contradicted"]}
    if contradicted:
        return Verdict("failed", _describe_contradictions(contradicted), evidence)
    lowest = min(judged, key=lambda label: judged[label]["test"]["right"] / judged[label]["test"]["n"])
    share = judged[lowest]["test"]["right"] / judged[lowest]["test"]["n"]
    return Verdict(
        "passed",
        f"Passes: no class of the week contradicts the golden set; lowest agreement: {lowest} ({share:.0%}).",
        evidence,
    )


def _describe_contradictions(contradicted: Mapping[str, Mapping[str, Any]]) -> str:
    sentences = [
        f"{label}: the model agrees with {found['test']['right']} of {found['test']['n']} labels of this week"
        f" (says {found['mostly']}), but with {found['golden']['right']} of {found['golden']['n']} golden labels."
        for label, found in contradicted.items()
    ]
    # Two swapped labels contradict each other both ways; the question is asked once.
    pairs: dict[frozenset[str], tuple[str, str]] = {}
    for label, found in contradicted.items():
        if found["mostly"] != label:
            pairs.setdefault(frozenset((label, found["mostly"])), (label, found["mostly"]))
    questions = [f"Were {first} and {second} swapped?" for first, second in pairs.values()]
    return " ".join(("Fails: the week's blind labels contradict the golden set.", *sentences, *questions))


def _compare(label: str, test: Mapping[str, int], golden: Mapping[str, int], confidence: float) -> dict[str, Any]:
    week, reviewed = _side(label, test, confidence), _side(label, golden, confidence)
    flipped = week["recall"] < _MAJORITY <= reviewed["recall"] and week["high"] < reviewed["low"]
    return {
        "test": week,
        "golden": reviewed,
        "mostly": max(test, key=lambda answer: test[answer]),
        "contradicted": flipped,
    }


def _side(label: str, answers: Mapping[str, int], confidence: float) -> dict[str, float]:
    n, right = sum(answers.values()), answers.get(label, 0)
    low, high = proportion_interval(right, n, confidence)
    return {"n": n, "right": right, "recall": right / n, "low": low, "high": high}
