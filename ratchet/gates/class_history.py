"""Each class of a week's labels against its own eight weeks before, as the candidates of these weeks answered.

Labels of which a third is wrong in one class agree with most answers still, so they do not contradict the golden set;
but they agree with fewer than before. Add here another comparison with the past; `golden_agreement.py` decides what
follows from it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratchet.data.label_rules import LabelRules

WEEKS = 8
HISTORY_SQL = """
SELECT label, predicted, count(*)::BIGINT AS n FROM predictions p
WHERE p.classifier = $classifier AND p.week >= $week::DATE - INTERVAL 56 DAY AND p.week < $week::DATE
  AND p.model = 'candidate' AND p.split = 'test' AND NOT list_contains($held, p.week::VARCHAR)
  AND NOT EXISTS (FROM examples e WHERE e.classifier = p.classifier AND e.week = p.week AND e.split = p.split
                  AND e.request_id = p.item AND (e.origin = 'example' OR NOT coalesce(e.drawn, true)))
GROUP BY ALL ORDER BY ALL
"""
"""Counts of label and answer in the test splits of the eight cycles before, each by its own candidate, which had not
learned them. Weeks that are `held` (a list of Mondays) and labelled examples do not count."""
ALPHA: Mapping[str, float] = {"answer": 0.05, "label": 0.01}
"""Error that the classes of one direction share. Of a class of which labels were lost, the answers of that class are
confirmed less often, wherever the labels went; where one label was given too often, that label is confirmed less
often. The first is the more likely damage, and gets the larger part: of 30 labels of a class 30 % flipped are seen in
86 to 88 %."""

_MODEL_FELL, _MODEL_ALPHA = 0.15, 0.01


def fell(
    right: NDArray[Any], n: NDArray[Any], before_right: NDArray[Any], before_n: NDArray[Any]
) -> NDArray[np.float64]:
    """Return the exact one-sided p-value (Fisher 1935) of shares that are at least what they were: arrays of one shape.

    Counts of agreement among `n` and `before_n`; 1 where either is 0.
    """
    from scipy.stats import hypergeom

    some = (n > 0) & (before_n > 0)
    p = hypergeom.cdf(right, np.maximum(n + before_n, 1), right + before_right, n)
    return np.where(some, p, 1.0)


def compare_with_history(
    now: Iterable[Mapping[Any, Any]], before: Iterable[Mapping[Any, Any]]
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return for each direction (`answer`, `label`) and class its counts now and before, p-value, and `fallen`.

    `now` and `before` are rows of label, predicted and n. A class that lacks either is left out; the error of a
    direction is shared among the others (Bonferroni).
    """
    now, before, result = list(now), list(before), {}
    for direction, key in (("answer", "predicted"), ("label", "label")):
        sides = [_count(rows, key) for rows in (now, before)]
        classes = sorted(set(sides[0]) & set(sides[1]))
        counts = [np.array([side[name] for name in classes]).reshape(-1, 2) for side in sides]
        p = fell(counts[0][:, 0], counts[0][:, 1], counts[1][:, 0], counts[1][:, 1])
        limit = ALPHA[direction] / max(1, len(classes))
        result[direction] = {
            name: {
                "right": int(counts[0][i, 0]), "n": int(counts[0][i, 1]),
                "before_right": int(counts[1][i, 0]), "before_n": int(counts[1][i, 1]),
                "p": float(p[i]), "fallen": bool(p[i] <= limit),
            }
            for i, name in enumerate(classes)
        }  # fmt: skip
    return result


def _count(rows: Iterable[Mapping[Any, Any]], key: str) -> dict[str, tuple[int, int]]:
    right, every = Counter[str](), Counter[str]()
    for row in rows:
        every[row[key]] += int(row["n"])
        right[row[key]] += int(row["n"]) * (row["label"] == row["predicted"])
    return {name: (right[name], n) for name, n in every.items()}


def read_as_now(rows: Iterable[Mapping[Any, Any]], rules: LabelRules) -> list[dict[str, Any]]:
    """Return rows of label, predicted and n with labels as they are called now; without those that mean several or
    none."""
    counts = Counter[tuple[str, str]]()
    for row in rows:
        label, predicted = (rules.labels_now([row[key]]) for key in ("label", "predicted"))
        if len(label) == len(predicted) == 1:
            counts[label.pop(), predicted.pop()] += int(row["n"])
    return [{"label": label, "predicted": predicted, "n": n} for (label, predicted), n in sorted(counts.items())]


def keep_unexplained(
    found: Mapping[str, Mapping[str, Mapping[str, Any]]], golden: Mapping[str, Mapping[str, int]]
) -> dict[str, dict[str, Mapping[str, Any]]]:
    """Return the comparison without the classes in which the model fell on the golden set, too.

    `golden` counts answers by label. A model that lost a class agrees with fewer labels of it, whoever gave them: that
    is not the week's fault, and the gates of the model say so. Golden items may be harder than a week's, so only a fall
    by `_MODEL_FELL` that chance does not explain excuses the labels.
    """
    rows = [{"label": each, "predicted": to, "n": n} for each, answers in golden.items() for to, n in answers.items()]
    result = {}
    for direction, key in (("answer", "predicted"), ("label", "label")):
        known = _count(rows, key)
        classes = found.get(direction, {})
        result[direction] = {name: each for name, each in classes.items() if not _model_fell(known.get(name), each)}
    return result


def _model_fell(golden: tuple[int, int] | None, each: Mapping[str, Any]) -> bool:
    if golden is None or not golden[1] or not each["before_n"]:
        return False
    right, n, before_right, before_n = *golden, each["before_right"], each["before_n"]
    if right / n > before_right / before_n - _MODEL_FELL:
        return False
    return bool(fell(*(np.array([count]) for count in (right, n, before_right, before_n)))[0] <= _MODEL_ALPHA)


def describe_fall(found: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[str]:
    """Return a sentence for each class that fell."""
    wording = {
        "answer": "of the answers {0} the week's labels confirm",
        "label": "of the labels {0} the model confirms",
    }
    return [
        f"{wording[direction].format(name)} {each['right']} of {each['n']}, in the eight weeks before"
        f" {each['before_right']} of {each['before_n']}."
        for direction, classes in found.items()
        for name, each in classes.items()
        if each["fallen"]
    ]
