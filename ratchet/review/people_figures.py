"""Figures of the people who label: labels, agreement with others and with checks, seconds, by person and week.

Nobody is ranked: people stand in the order of their names. A share of few answers is not given, since it misleads.
Add here a figure of a person; the confusions of two people are `people_confusions.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from ratchet.metrics.intervals import proportion_interval

LEAST = 10
"""Answers below which a share or a median is not given: of nine that agree the interval still reaches down to 0.66."""

ANSWERS_SQL = """
SELECT DISTINCT ON (request_id, person, kind) request_id, person, ts, label, answer, NOT saw_prediction AS blind,
       seconds, suspended, ended_at IS NOT NULL AS ended, coalesce(note, '') AS note,
       date_trunc('week', ts)::DATE AS week,
       CASE WHEN chosen IN ('check', 'adjudication') THEN chosen ELSE 'vote' END AS kind
FROM read_person_corrections WHERE classifier = $classifier
ORDER BY request_id, person, kind, arrived DESC NULLS LAST, ts DESC, label
"""
"""Newest answer of each person on each request, by kind: a vote, a check of an agreed request, or an adjudication;
`week` is that of the answer. Those of suspended people are among them: they are measured, and measure nobody.
`ended` says that the label was split or retired since."""
_DECIDES = 1_000
"""Votes that an adjudication outweighs."""


@dataclass(frozen=True)
class AgreedShare:
    """Requests that could agree, how far they do, and the exact 95 % interval (Clopper-Pearson) of that share."""

    requests: int
    agreed: float
    """Whole for two people; where several others labelled a request it counts by the share of them that agree."""

    def as_json(self) -> dict[str, Any]:
        """Return JSON types; share and interval are null for too few requests."""
        enough = self.requests >= LEAST
        interval = list(proportion_interval(self.agreed, self.requests)) if enough else None
        return {
            "requests": self.requests,
            "agreed": self.agreed,
            "share": self.agreed / self.requests if enough else None,
            "interval": interval,
        }


@dataclass(frozen=True)
class PersonFigures:
    """Figures of one person in one week, or in all of them."""

    person: str
    week: date | None
    labels: int
    without_label: int
    """Answers that no label fits, or that one cannot tell."""
    suspended: bool
    with_others: AgreedShare
    """On requests that another person labelled too, both without sight of a prediction."""
    with_checks: AgreedShare
    """On agreed requests that were asked again, with the consensus of the others."""
    timed: int
    seconds: float | None
    """Median of the answers whose time is known; None for too few."""

    def as_json(self) -> dict[str, Any]:
        """Return JSON types."""
        found = {**vars(self), "week": None if self.week is None else str(self.week)}
        return found | {name: getattr(self, name).as_json() for name in ("with_others", "with_checks")}


def measure_people(answers: pd.DataFrame) -> list[PersonFigures]:
    """Return the figures of each person, by name: over all weeks first, then by week, the newest first.

    `answers` are rows of `ANSWERS_SQL`.
    """
    answers = answers.assign(week=[date.fromisoformat(str(week)[:10]) for week in answers["week"]])
    frames = answers, compare_with_others(answers), _compare_checks(answers)
    by_name = [_split(frame, "person") for frame in frames]
    result = []
    for person in sorted(by_name[0]):
        mine = [parts.get(person, frame.iloc[:0]) for parts, frame in zip(by_name, frames, strict=True)]
        by_week = [_split(frame, "week") for frame in mine]
        result.append(_measure(person, None, *mine))
        for week in sorted(by_week[0], reverse=True):
            parts = (weeks.get(week, frame.iloc[:0]) for weeks, frame in zip(by_week, mine, strict=True))
            result.append(_measure(person, week, *parts))
    return result


def compare_with_others(answers: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each blind label and another person's blind label of the same request.

    Columns request_id, person, label, week, note of the first, and the same of the other with `_other`.
    """
    labelled = answers[answers["label"].notna() & answers["blind"] & (answers["kind"] == "vote")]
    columns = ["request_id", "person", "label", "week", "note", "ended"]
    others = labelled.loc[~labelled["suspended"], columns]
    pairs = labelled[columns].merge(others, on="request_id", suffixes=("", "_other"))
    # a label that was split since is not another one than its part: people are compared by the labels of one time
    alike = (pairs["person"] != pairs["person_other"]) & (pairs["ended"] == pairs["ended_other"])
    return pairs[alike].reset_index(drop=True)


def _compare_checks(answers: pd.DataFrame) -> pd.DataFrame:
    """Return person, week and `agreed` of each check whose request has one consensus label among the others."""
    labelled = answers[answers["label"].notna()]
    checks = labelled.loc[labelled["kind"] == "check", ["request_id", "person", "label", "week"]]
    votes = labelled.loc[(labelled["kind"] != "check") & ~labelled["suspended"]]
    votes = votes[["request_id", "person", "label"]].assign(
        weight=(votes["kind"] == "adjudication") * (_DECIDES - 1) + 1
    )
    joined = checks.merge(votes, on="request_id", suffixes=("", "_other"))
    joined = joined[joined["person"] != joined["person_other"]]
    keys = ["request_id", "person", "label", "week"]
    counted = joined.groupby([*keys, "label_other"], as_index=False)["weight"].sum()
    best = counted[counted["weight"] == counted.groupby(keys)["weight"].transform("max")]
    best = best[~best.duplicated(keys, keep=False)].copy()
    best["agreed"] = best["label"] == best["label_other"]
    result: pd.DataFrame = best[["person", "week", "agreed"]]
    return result


def _measure(
    person: str, week: date | None, own: pd.DataFrame, others: pd.DataFrame, checks: pd.DataFrame
) -> PersonFigures:
    alike = (others["label"] == others["label_other"]).groupby(others["request_id"]).mean()
    votes, timed = own[own["kind"] != "check"], own["seconds"].dropna()
    return PersonFigures(
        person,
        week,
        labels=int(votes["label"].notna().sum()),
        without_label=int(votes["answer"].isin(["none", "cannot_tell"]).sum()),
        suspended=bool(own["suspended"].any()),
        with_others=AgreedShare(len(alike), float(alike.sum())),
        with_checks=AgreedShare(len(checks), float(checks["agreed"].sum())),
        timed=len(timed),
        seconds=float(timed.median()) if len(timed) >= LEAST else None,
    )


def _split(frame: pd.DataFrame, column: str) -> dict[Any, pd.DataFrame]:
    return dict(list(frame.groupby(column)))


def by_person(figures: list[PersonFigures]) -> Iterator[tuple[PersonFigures, list[PersonFigures]]]:
    """Return the figures of each person over all weeks, with those of their weeks."""
    for whole in (each for each in figures if each.week is None):
        yield whole, [each for each in figures if each.person == whole.person and each.week is not None]
