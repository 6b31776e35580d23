"""Golden agreement: do the week's blind labels mean the same as those of the golden set?

Annotators who err alike agree with each other, so `label_agreement` cannot see them; and a week is only tested on
before it trains, so `golden_set_regression` sees the harm a cycle too late. The candidate knows both sets: where it
answers a class as the golden set does, and the week's labels of that class contradict it for the most part, the labels
have changed their meaning.

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
"""How often the candidate answered what, for each label of test and golden."""

_MAJORITY = 0.5
_ALPHA = 0.05


def decide_golden_agreement(rows: Iterable[Mapping[Any, Any]]) -> Verdict:
    """Fails for a class when the candidate contradicts most of the week's labels of it but confirms most golden ones.

    `rows` are those of `CONFUSIONS_SQL`. A class counts as contradicted when its recall is under one half on test, at
    least one half on golden, and the exact intervals of the two do not overlap: at 95 %, shared out among the classes
    that are compared (Bonferroni), so that many classes do not make false alarms. A class with too few items is never
    called.
    """
    counts: dict[str, dict[str, dict[str, int]]] = {"test": {}, "golden": {}}
    for row in rows:
        counts[row["split"]].setdefault(row["label"], {})[row["predicted"]] = int(row["n"])
    both = [label for label in counts["test"] if counts["golden"].get(label)]
    confidence = 1 - _ALPHA / max(1, len(both))
    judged = {label: _compare(label, counts["test"][label], counts["golden"][label], confidence) for label in both}
    evidence = {"classes": judged, "confidence": confidence}
    if not judged:
        return Verdict(
            "inconclusive", "No verdict: no class has both blind labels of the week and golden items.", evidence
        )
    contradicted = {label: result for label, result in judged.items() if result["contradicted"]}
    if contradicted:
        said = "; ".join(
            f"of {f['test']['n']} requests labelled {label} the candidate confirms {f['test']['right']}"
            f" (mostly answers {f['mostly']}), but {f['golden']['right']} of {f['golden']['n']} golden ones"
            for label, f in contradicted.items()
        )
        return Verdict("failed", f"Fails: the week's blind labels contradict the golden set: {said}.", evidence)
    lowest = min(judged, key=lambda label: judged[label]["test"]["right"] / judged[label]["test"]["n"])
    share = judged[lowest]["test"]["right"] / judged[lowest]["test"]["n"]
    return Verdict(
        "passed",
        f"Passes: no class of the week contradicts the golden set; least confirmed is {lowest} ({share:.0%}).",
        evidence,
    )


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
