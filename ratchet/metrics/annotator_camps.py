"""Camps of annotators: people who together call one label by another, where their colleagues do not.

Two who agree when they are wrong outvote the third; nothing that counts agreement over all labels sees it, since they
differ on one label alone. Add here measures of how people differ in a direction; agreement as a whole is
`annotator_pairs.py`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any

import pandas as pd

LEAST_PEOPLE = 3
Crossings = Mapping[tuple[int, int, str, str], int]
"""Requests on which person i says one label and person j another, by (i, j, own, other); both ways are held."""


@dataclass(frozen=True)
class CampMember:
    """A person who says `own` where others say `other`, far more often than the other way round."""

    person: int
    own: str
    other: str
    toward: int
    """Requests on which this person says `own` and another, who is not of a camp, says `other`."""
    back: int
    p: float
    """Exact one-sided chance of so many `toward` where both ways are as likely."""

    def as_json(self) -> dict[str, Any]:
        """Return JSON types."""
        return asdict(self)


@dataclass(frozen=True)
class CrossedLabels:
    """People by name, and the labels on which each two of them differ."""

    names: tuple[str, ...]
    crossings: Crossings
    agreed: Crossings
    """Requests on which i and j both say `own` while a third says `other`, for i below j."""


def cross_labels(votes: pd.DataFrame, labels: Sequence[str]) -> CrossedLabels:
    """Count how people differ in rows (request_id, annotator, label) with one label of each person and request."""
    known = votes.loc[votes["label"].isin(labels), ["request_id", "annotator", "label"]]
    names = tuple(sorted(map(str, known["annotator"].unique())))
    place = {name: number for number, name in enumerate(names)}
    crossings: Counter[tuple[int, int, str, str]] = Counter()
    agreed: Counter[tuple[int, int, str, str]] = Counter()
    for _, rows in known[known.duplicated("request_id", keep=False)].groupby("request_id", sort=True):
        given = [(place[str(who)], str(label)) for who, label in zip(rows["annotator"], rows["label"], strict=True)]
        if len({label for _, label in given}) < 2:
            continue
        for i, own in given:
            for j, other in given:
                if own != other:
                    crossings[i, j, own, other] += 1
                elif i < j:
                    agreed.update((i, j, own, third) for third in {label for _, label in given} - {own})
    return CrossedLabels(names, crossings, agreed)


def find_camps(crossings: Crossings, people: int, alpha: float, least: int) -> list[CampMember]:
    """Return the people who differ from the others in one direction, the clearest first.

    Of any two labels honest people mistake either for the other about as often as their colleagues do, so a person's
    requests `toward` and `back` are a fair coin; the exact test shares `alpha` among people and pairs of labels that
    differ (Bonferroni), and needs `least` requests more one way. The clearest is taken out and the rest tested again,
    else the colleagues of two who agree would look as bad, the other way round. Fewer than three people have no camps.
    """
    from scipy.stats import binom

    ways = {(own, other) for _, _, own, other in crossings}
    tests = max(1, people * len(ways))
    left, found = set(range(people)), list[CampMember]()
    while len(left) >= LEAST_PEOPLE - 1 and people >= LEAST_PEOPLE:
        best, member = 0.0, None
        for own, other in sorted(ways):
            for person in sorted(left):
                rest = left - {person}
                toward = sum(crossings.get((person, j, own, other), 0) for j in rest)
                back = sum(crossings.get((person, j, other, own), 0) for j in rest)
                if toward - back < least:
                    continue
                p = float(binom.sf(toward - 1, toward + back, 0.5))
                far = (toward - back) / sqrt(toward + back)
                if p < alpha / tests and far > best:
                    best, member = far, CampMember(person, own, other, toward, back, p)
        if member is None:
            break
        left.discard(member.person)
        found.append(member)
    return found
