"""Adjudication: annotators measured against decided requests, and whose labels of a week are left out.

Where annotators disagree, a person who gave no label decides. Then each annotator has requests with a known answer:
those on which all agree, and those that were decided. Whoever is shown to stay under the limit there has no labels of
their own in that week; these are asked again. Add here rules about measured annotators; the verdict on a week is
`label_agreement.py`, the decided label `ratchet/data/consensus.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd

from ratchet.core.verdict import Verdict
from ratchet.metrics.intervals import proportion_interval

MEASURED_SQL = """
SELECT request_id, annotator, label, week, adjudicates, ts FROM votes v
WHERE classifier = $classifier AND week BETWEEN $first AND $week AND (label IS NOT NULL OR adjudicates IS NOT NULL)
AND EXISTS (FROM votes o WHERE o.classifier = $classifier AND o.request_id = v.request_id
            AND coalesce(o.drawn, true))
AND EXISTS (FROM votes o WHERE o.classifier = $classifier AND o.week = v.week AND o.adjudicates IS NOT NULL)
ORDER BY week, request_id, annotator
"""
"""Votes on drawn requests of the weeks in which anything was decided, with decisions."""

_CONFIDENCE = 0.99


@dataclass(frozen=True)
class MeasuredAnnotator:
    """Requests with a known answer that an annotator labelled, and how many of these labels are right."""

    annotator: str
    right: int
    measured: int
    left_out: bool


@dataclass(frozen=True)
class Adjudicated:
    """Decisions of one week: disagreements, how many of them are decided, and each annotator."""

    disagreements: int = 0
    decided: int = 0
    annotators: tuple[MeasuredAnnotator, ...] = field(default=())

    @property
    def left_out(self) -> tuple[MeasuredAnnotator, ...]:
        """Annotators whose labels of the week do not count."""
        return tuple(each for each in self.annotators if each.left_out)

    def as_evidence(self) -> dict[str, Any]:
        """Return the counts as JSON types, for a receipt, which names nobody."""
        people = [{key: value for key, value in asdict(each).items() if key != "annotator"} for each in self.annotators]
        people.sort(key=lambda each: (each["right"] / each["measured"], each["measured"]))
        return {"disagreements": self.disagreements, "decided": self.decided, "people": people}


def judge_adjudications(votes: pd.DataFrame, limit: float) -> Adjudicated:
    """Measure the annotators of one week's `votes` (columns of `MEASURED_SQL`) against what is known.

    Known is what all of two or more annotators say, and what was decided; an open disagreement measures nobody. Left
    out is who stays under `limit` with the upper end of the exact 99 % interval, its error shared among annotators.
    """
    if votes.empty or votes["adjudicates"].isna().all():
        return Adjudicated()
    own, given = votes[votes["adjudicates"].isna()], votes[votes["adjudicates"].notna()].sort_values("ts")
    answers: dict[str, str | None] = dict(zip(given["request_id"], given["label"], strict=True))  # the newest decides
    sides = own.groupby("request_id")["label"].agg(["nunique", "size", "first"])
    disagree = sides.index[sides["nunique"] > 1]
    alike = sides[(sides["nunique"] == 1) & (sides["size"] > 1)]
    known = {**dict(zip(alike.index, alike["first"], strict=True)), **answers}
    measured = own[own["request_id"].map(lambda request: isinstance(known.get(request), str))]
    right = measured["label"] == measured["request_id"].map(known)
    counts = [
        (str(annotator), int(right[rows.index].sum()), len(rows)) for annotator, rows in measured.groupby("annotator")
    ]
    return Adjudicated(
        len(disagree),
        sum(request in answers for request in disagree),
        tuple(MeasuredAnnotator(who, good, n, is_under(good, n, limit, len(counts))) for who, good, n in counts),
    )


def is_under(right: int, measured: int, limit: float, annotators: int) -> bool:
    """Return True where an annotator is shown to be right on less than `limit` of the requests with a known answer."""
    confidence = 1 - (1 - _CONFIDENCE) / max(1, annotators)
    return proportion_interval(right, measured, confidence)[1] < limit


def judge_weeks_adjudicated(votes: pd.DataFrame, limit: float) -> dict[str, Adjudicated]:
    """Return what was decided in each week of `votes` (columns of `MEASURED_SQL`), by its Monday."""
    weeks = votes.groupby(votes["week"].astype(str).str[:10], sort=True)
    return {str(week): judge_adjudications(rows, limit) for week, rows in weeks}


def left_out_rows(weeks: Mapping[str, Adjudicated]) -> list[dict[str, Any]]:
    """Return the rows of the warehouse's table `left_out`."""
    return [
        {"week": week, "annotator": each.annotator, "right": each.right, "measured": each.measured}
        for week, found in weeks.items()
        for each in found.left_out
    ]


def after_adjudication(verdict: Verdict, found: Mapping[str, Any]) -> Verdict:
    """Return the verdict on a week after what was decided; `found` is `Adjudicated.as_evidence()`.

    A week that failed passes once every disagreement is decided: what it trains is then decided, or by annotators who
    were measured. Until then it stays failed, and says how many wait.
    """
    evidence = {**verdict.evidence, "adjudication": dict(found)}
    if verdict.outcome != "failed":
        return Verdict(verdict.outcome, verdict.reason, evidence)
    total, decided = found["disagreements"], found["decided"]
    people: Sequence[Mapping[str, Any]] = found["people"]
    if decided < total:
        waits = f" {decided} of {total} disagreements are adjudicated; {total - decided} wait in the review queue."
        return Verdict("failed", f"{verdict.reason}{waits}", evidence)
    out = [each for each in people if each["left_out"]]
    limit = evidence["limits"]["min_agreement"]
    shares = ", ".join(f"{each['right']} of {each['measured']}" for each in out)
    words = f"{len(out)} of {len(people)} annotators"
    rest = (
        f"; {words} stay under the limit of {limit:.0%} against what is known ({shares}):"
        " their labels of the week are left out and asked again"
        if out
        else f"; none of {len(people)} annotators stays under the limit of {limit:.0%} against what is known"
    )
    return Verdict("passed", f"Passes after adjudication: all {total} disagreements are decided{rest}.", evidence)
