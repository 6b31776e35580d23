"""Golden agreement: comparison of the week's blind labels with the meaning of the labels in the golden set.

Annotators who make the same mistake agree with each other, so `label_agreement` cannot see it; and a week is tested on
before it is trained on, so `golden_set_regression` sees the damage one cycle too late. The candidate knows both sets:
where it agrees with the golden labels of a class, and contradicts most of the week's labels of that class, the meaning
of the labels has changed.

Add here comparisons of the week with the golden set; losses against live are in `golden_set_regression.py`, what may
be concluded where only errors were labelled is in `swapped_labels.py`, and each class is compared with its own past in
`class_history.py`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ratchet.core.verdict import Verdict
from ratchet.data.label_selection import count_confirming
from ratchet.gates.class_history import compare_with_history, describe_fall, keep_unexplained
from ratchet.gates.swapped_labels import blame_labels
from ratchet.metrics.intervals import proportion_interval

CONFUSIONS_SQL = """
SELECT p.split, p.label, p.predicted, count(*)::BIGINT AS n,
       CASE WHEN list_contains(logs.parts, p.label) THEN p.label ELSE logs.label END AS served
FROM predictions p LEFT JOIN read_logs logs
  ON p.split = 'test' AND logs.classifier = p.classifier AND logs.request_id = p.item
WHERE p.classifier = $classifier AND p.week = $week AND p.model = 'candidate' AND p.adapter = $adapter
  AND (p.split = 'golden' OR NOT EXISTS (FROM examples e WHERE e.classifier = p.classifier AND e.week = p.week
                                         AND e.split = p.split AND e.request_id = p.item AND e.origin = 'example'))
GROUP BY ALL ORDER BY ALL
"""
"""Counts of the candidate's predictions for each label of test and golden, and of what was served for it in test, where
a part of a label that was split confirms it.

Labelled examples that no request stands behind do not count.
"""

GOLDEN_AGREEMENT_RULE = 3
"""Revision of the rule, which its evidence names; the first blamed the labels of weeks in which only errors were
labelled, too, the second did not look at the weeks before."""
_SINCE_SELECTION = 2
_MAJORITY = 0.5
_ALPHA = 0.05


def labels_of_test(rows: Iterable[Mapping[Any, Any]]) -> list[tuple[str, object, int]]:
    """Return the labels of the test split with what was served for them (None where it is not known), counted."""
    return [(row["label"], row.get("served"), int(row["n"])) for row in rows if row["split"] == "test"]


def decide_golden_agreement(
    rows: Iterable[Mapping[Any, Any]],
    requests: Mapping[str, int] | None = None,
    before: Iterable[Mapping[Any, Any]] = (),
    *,
    rule: int = GOLDEN_AGREEMENT_RULE,
) -> Verdict:
    """Decide whether the week's labels of a class contradict the golden set or their own past, judged by the candidate.

    `rows` are those of `CONFUSIONS_SQL`, `requests` counts the week's requests by served label, `before` are rows of
    label, answer and count of the eight weeks before (`class_history.py`): a class that agrees clearly less often than
    there fails, unless errors alone were labelled, or the model fell on the golden set as well. A class is contradicted
    when its recall is under one half on test, at least one half on golden, and the exact intervals of the two do not
    overlap: at 95 %, divided among the classes that are compared (Bonferroni), so that many classes do not raise false
    alarms. A class with too few items is never called contradicted. Where hardly any label of the test confirms what
    was served, errors alone were labelled: they look contradicted because live, and a candidate like it, is wrong on
    them, so they fail only as `blame_labels` says, and warn else.
    """
    found, requests = list(rows), requests or {}
    counts: dict[str, dict[str, dict[str, int]]] = {"test": {}, "golden": {}}
    for row in found:
        answers = counts[row["split"]].setdefault(row["label"], {})
        answers[row["predicted"]] = answers.get(row["predicted"], 0) + int(row["n"])
    both = sorted(label for label in counts["test"] if counts["golden"].get(label))  # report and check say the same
    confidence = 1 - _ALPHA / max(1, len(both))  # Bonferroni: each further class would add a chance of a false alarm
    judged = {label: _compare(label, counts["test"][label], counts["golden"][label], confidence) for label in both}
    evidence: dict[str, Any] = {"classes": judged, "confidence": confidence}
    tested = labels_of_test(found)
    selection = count_confirming(tested)
    if rule >= _SINCE_SELECTION:
        evidence |= {"rule": rule, "selection": {"blind": selection.blind, "confirming": selection.confirming}}
    fallen: list[str] = []
    if rule >= GOLDEN_AGREEMENT_RULE:
        past = [[row["label"], row["predicted"], int(row["n"])] for row in before]
        history = compare_with_history([row for row in found if row["split"] == "test"], read_history(past))
        counted = {label: requests[label] for label in sorted(requests)}
        evidence |= {"counts": _list_counts(found), "before": past, "history": history, "requests": counted}
        fallen = [] if selection.is_of_errors else describe_fall(keep_unexplained(history, counts["golden"]))
    if not judged and not fallen:
        return Verdict(
            "inconclusive", "No verdict: no class has both blind labels of the week and golden items.", evidence
        )
    contradicted = {label: compared for label, compared in judged.items() if compared["contradicted"]}
    if contradicted and rule >= _SINCE_SELECTION and selection.is_of_errors:
        becomes = {label: str(compared["mostly"]) for label, compared in contradicted.items()}
        labels = {*requests, *(word for row in found for word in (row["label"], row["predicted"]))}
        blame = blame_labels(becomes, tested, requests, two_labels=len(labels) <= 2)
        evidence |= {"swapped": blame.as_json(), "requests": {label: requests[label] for label in sorted(requests)}}
        finding = _describe_contradictions(contradicted, "Fails" if blame.swapped else "Warns")
        return Verdict("failed" if blame.swapped else "warned", f"{finding} {blame.reason}", evidence)
    if contradicted:
        reason = " ".join((_describe_contradictions(contradicted, "Fails"), *fallen))
        return Verdict("failed", reason, evidence)
    if fallen:
        intro = "Fails: labels of this week agree with the model clearly less often than those of the weeks before."
        return Verdict("failed", " ".join((intro, *fallen)), evidence)
    lowest = min(judged, key=lambda label: judged[label]["test"]["right"] / judged[label]["test"]["n"])
    share = judged[lowest]["test"]["right"] / judged[lowest]["test"]["n"]
    return Verdict(
        "passed",
        f"Passes: no class of the week contradicts the golden set; lowest agreement: {lowest} ({share:.0%}).",
        evidence,
    )


def decide_from_evidence(evidence: Mapping[str, Any]) -> Verdict:
    """Verdict that follows from the evidence of a receipt; KeyError for that of an earlier rule, which has no counts.

    Such a receipt is derived from the stored answers (`ratchet/workflows/gates/recheck.py`).
    """
    keys = ("split", "label", "predicted", "served", "n")
    rows = [dict(zip(keys, row, strict=True)) for row in evidence["counts"]]
    return decide_golden_agreement(
        rows, evidence["requests"], read_history(evidence["before"]), rule=int(evidence["rule"])
    )


def read_history(rows: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
    """Return the rows of the evidence's key `before` by name."""
    return [{"label": label, "predicted": predicted, "n": n} for label, predicted, n in rows]


def _list_counts(rows: Iterable[Mapping[Any, Any]]) -> list[list[Any]]:
    """Return the rows as lists, in one order whoever counted them."""
    counts = Counter[tuple[str, str, str, str | None]]()
    for row in rows:
        served = row.get("served")
        key = (row["split"], row["label"], row["predicted"], served if isinstance(served, str) else None)
        counts[key] += int(row["n"])
    ordered = sorted(counts.items(), key=lambda item: (*item[0][:3], item[0][3] or ""))
    return [[*key, n] for key, n in ordered]


def _describe_contradictions(contradicted: Mapping[str, Mapping[str, Any]], outcome: str) -> str:
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
    return " ".join((f"{outcome}: the week's blind labels contradict the golden set.", *sentences, *questions))


def _compare(label: str, test: Mapping[str, int], golden: Mapping[str, int], confidence: float) -> dict[str, Any]:
    week, reviewed = _side(label, test, confidence), _side(label, golden, confidence)
    flipped = week["recall"] < _MAJORITY <= reviewed["recall"] and week["high"] < reviewed["low"]
    return {
        "test": week,
        "golden": reviewed,
        "mostly": max(sorted(test), key=lambda answer: test[answer]),
        "contradicted": flipped,
    }


def _side(label: str, answers: Mapping[str, int], confidence: float) -> dict[str, float]:
    n, right = sum(answers.values()), answers.get(label, 0)
    low, high = proportion_interval(right, n, confidence)
    return {"n": n, "right": right, "recall": right / n, "low": low, "high": high}
