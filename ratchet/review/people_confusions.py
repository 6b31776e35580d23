"""Confusions of two people: requests that both labelled, differently, as texts side by side.

Add here how confusions are grouped; figures of one person are `people_figures.py`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

MOST_TEXTS = 20
"""Texts of one pair of people, the newest."""
_SHOWN = ["request_id", "week", "label", "label_other", "note", "note_other"]


@dataclass(frozen=True)
class Confusion:
    """One request with the labels, and notes, of two people."""

    request_id: str
    week: str
    labels: tuple[str, str]
    notes: tuple[str, str]


@dataclass(frozen=True)
class ConfusedPair:
    """Two people, in the order of their names: requests that both labelled without sight of a prediction."""

    people: tuple[str, str]
    doubles: int
    disagreed: int
    by_labels: Mapping[tuple[str, str], int]
    """Number of requests by both labels, in the order of their names, the most frequent first."""
    newest: tuple[Confusion, ...]

    def as_json(self, texts: Mapping[str, str]) -> dict[str, Any]:
        """Return JSON types: for two labels the texts that the first person gave the one and the second the other, and
        beside them those the other way round. A request without a text in `texts` is left out."""
        return {
            "people": list(self.people),
            "doubles": self.doubles,
            "disagreed": self.disagreed,
            "confusions": [
                {
                    "labels": list(labels),
                    "requests": number,
                    "sides": [self._side(side, texts) for side in (labels, labels[::-1])],
                }
                for labels, number in self.by_labels.items()
            ],
        }

    def _side(self, labels: Sequence[str], texts: Mapping[str, str]) -> list[dict[str, Any]]:
        return [
            {"request_id": each.request_id, "week": each.week, "text": texts[each.request_id], "notes": [*each.notes]}
            for each in self.newest
            if each.labels == tuple(labels) and each.request_id in texts
        ]


def find_confusions(compared: pd.DataFrame) -> list[ConfusedPair]:
    """Return each pair of people with requests on which they differ, by name.

    `compared` is the result of `people_figures.compare_with_others`.
    """
    once = compared[compared["person"] < compared["person_other"]]
    result = []
    for people, rows in once.groupby(["person", "person_other"], sort=True):
        apart = rows[rows["label"] != rows["label_other"]].sort_values(["week", "request_id"], ascending=[False, True])
        if not len(apart):
            continue
        counts = Counter((min(pair), max(pair)) for pair in zip(apart["label"], apart["label_other"], strict=True))
        newest = tuple(
            Confusion(request, str(week), (own, other), (note, note_other))
            for request, week, own, other, note, note_other in apart[_SHOWN].head(MOST_TEXTS).to_numpy().tolist()
        )
        by_labels = dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
        first, second = people
        result.append(ConfusedPair((str(first), str(second)), len(rows), len(apart), by_labels, newest))
    return result
