"""Answers of candidate and live on the same items: input of the gates that compare the two item by item.

Add here a fact of an item that such a gate judges by; the gates are `calibration_regression.py` and `slices.py`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log
from typing import Any

from ratchet.data.label_selection import LabelSelection, count_confirming

PAIRED_SQL = """
SELECT c.split, c.label, c.predicted AS candidate, l.predicted AS live,
       c.probabilities AS candidate_p, l.probabilities AS live_p, g.extra,
       CASE WHEN list_contains(g.parts, c.label) THEN c.label ELSE g.label END AS served
FROM predictions c JOIN predictions l
  ON l.classifier = c.classifier AND l.week = c.week AND l.model = 'live' AND l.split = c.split AND l.item = c.item
LEFT JOIN read_logs g ON c.split = 'test' AND g.classifier = c.classifier AND g.request_id = c.item
WHERE c.classifier = $classifier AND c.week = $week AND c.model = 'candidate' AND c.adapter = $adapter
ORDER BY c.split, length(c.item), c.item
"""
"""Answers of candidate and live on test and golden items of one cycle, with their probabilities."""

_FLOOR = 1e-12
_LONGEST = 60


@dataclass(frozen=True)
class PairedAnswer:
    """One item with the answers of candidate and live, and the probability that each gave its label."""

    split: str
    label: str
    candidate: str
    live: str
    p: float
    live_p: float
    served: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Values of the columns that the specification names for slices."""

    @property
    def lost(self) -> bool:
        """True where live alone is right."""
        return self.live == self.label != self.candidate

    @property
    def gained(self) -> bool:
        """True where the candidate alone is right."""
        return self.candidate == self.label != self.live

    @property
    def nll_rise(self) -> float:
        """Negative log-likelihood of the candidate less that of live, in nats."""
        return log(max(self.live_p, _FLOOR)) - log(max(self.p, _FLOOR))


def read_paired_answers(
    rows: Iterable[Mapping[Any, Any]], labels: Sequence[str], columns: Sequence[str]
) -> list[PairedAnswer]:
    """Return the rows of `PAIRED_SQL` as answers, with the values of the metadata `columns`.

    `labels` are those that the cycle trained, in the order of its probabilities.
    """
    place = {label: i for i, label in enumerate(labels)}
    return [
        PairedAnswer(
            row["split"],
            row["label"],
            row["candidate"],
            row["live"],
            float(row["candidate_p"][place[row["label"]]]),
            float(row["live_p"][place[row["label"]]]),
            row["served"] if isinstance(row["served"], str) else None,
            read_metadata(row["extra"], columns),
        )
        for row in rows
    ]


def read_metadata(extra: object, columns: Sequence[str]) -> dict[str, str]:
    """Return the values of `columns` in the text of a row's further columns; one without a value is left out."""
    found = json.loads(extra) if columns and isinstance(extra, str) else {}
    return {name: str(found[name])[:_LONGEST] for name in columns if found.get(name) not in (None, "")}


def select_test(answers: Sequence[PairedAnswer]) -> LabelSelection:
    """Return how many labels of the test items confirm what was served; on errors alone any other model looks good."""
    return count_confirming((each.label, each.served, 1) for each in answers if each.split == "test")
