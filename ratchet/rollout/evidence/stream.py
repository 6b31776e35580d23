"""Stream of evidence: which compared requests count for a rollout, and how many of them a team can label.

A request belongs to it iff the keyed hash of its id is below the rate in force when it was compared, so that neither an
answer nor a label decides. Add here a rule on membership or rate; what is counted of the stream is `stream_sql.py`, the
rates of a rollout are kept by `ratchet/storage/rollout/stream_rates.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ratchet.config.review import ReviewPolicy

AGREEMENTS_A_WEEK = 30
"""Requests a week, on which both gave one answer, that are labelled, too: for the accuracy itself."""
PRIOR_DIFFERENCE = 0.1
"""Share of answers that differ, where nothing was compared yet."""
_PRIOR_REQUESTS = 50
_IN_HAND_DAYS = 2.0
"""Days of labels that may wait without being a backlog."""
_LEAST_CHANGE = 0.1
DROPPED = "dropped"
"""Error of a pair whose second answer was dropped under load: nobody knows it, and it is nobody's failure."""


@dataclass(frozen=True)
class Rate:
    """Rate from a time on: the share of compared requests that count, and of those whose agreements are labelled."""

    since: datetime
    """Time, aware, from which it holds: for later requests only."""
    requests: float
    agreements: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.agreements <= self.requests <= 1:
            raise ValueError(f"rates {self.agreements} and {self.requests} are not shares of which one is in the other")

    def as_json(self) -> dict[str, Any]:
        """Return the fields as JSON types."""
        return {
            "since": self.since.astimezone(UTC).isoformat(),
            "requests": self.requests,
            "agreements": self.agreements,
        }


@dataclass(frozen=True)
class Stream:
    """Terms by which requests count for one comparison.

    Where they were not `drawn` by us, as in a home that is fed by files, no rate is in force: the labelled ones count.
    """

    drawn: bool
    rates: tuple[Rate, ...] = ()
    """Oldest first."""
    ripe_hours: float = 48.0
    """Age from which a request counts: its label had that long to come."""
    votes: int = 1
    """Blind votes that decide a request."""
    label_share: float = 1.0
    """Labels on the evidence for each blind vote that the team gives on anything."""
    labels: tuple[str, ...] = ()
    """Labels of now, in their one form; empty where they cannot be read."""

    def rate_at(self, at: datetime) -> Rate:
        """Return the rate for a request that was compared at `at`."""
        before = [rate for rate in self.rates if rate.since <= at]
        return before[-1] if before else next(iter(self.rates), Rate(at, 0.0))

    @classmethod
    def read(cls, document: Mapping[str, Any], later: Sequence[Rate] = ()) -> "Stream | None":
        """Return the stream that a ledger entry names, with the `later` rates; None for an entry of before."""
        if "drawn" not in document:
            return None
        rates = [read_rate(document["rate"])] if document.get("rate") else []
        for rate in later:  # a rate that rises, or that reaches back, is none of ours
            if rates and rate.requests <= rates[-1].requests and rate.since > rates[-1].since:
                rates.append(rate)
        return cls(bool(document["drawn"]), tuple(rates))

    def as_json(self) -> dict[str, Any]:
        """Return the field `stream` of a ledger entry."""
        return {"drawn": self.drawn, **({"rate": self.rates[-1].as_json()} if self.rates else {})}


def read_rate(document: Mapping[str, Any]) -> Rate:
    """Return the rate that `as_json` wrote; raises ValueError, KeyError or TypeError."""
    since = datetime.fromisoformat(document["since"])
    return Rate(since, float(document["requests"]), float(document["agreements"]))


@dataclass(frozen=True)
class Pace:
    """Figures that a rate follows."""

    votes_per_week: float
    """Blind answers that the team gave in a week, over the last four."""
    compared_per_week: float
    """Requests that live and candidate both answer in a week."""
    differing: int = 0
    compared: int = 0
    """Compared requests so far, and how many of them got two answers."""
    waiting: int = 0
    """Requests of the stream that wait for a label."""

    @property
    def difference(self) -> float:
        """Share of answers that differ, drawn to the prior while little was compared."""
        return (self.differing + PRIOR_DIFFERENCE * _PRIOR_REQUESTS) / (self.compared + _PRIOR_REQUESTS)


def choose_rate(policy: ReviewPolicy, pace: Pace, now: datetime) -> Rate:
    """Return the rate for requests from `now` on: as many disagreements as the team can label in a week.

    It follows what was labelled, not `labels_per_week`; that counts only where nothing was labelled yet. The random
    audit keeps its share, and what waits for more than two days comes off. No answer and no label decides.
    """
    votes = pace.votes_per_week or policy.labels_per_week
    each = policy.evidence_votes + policy.double_share
    labels = votes * (1 - policy.compared_audit_share) / each
    for_agreements = min(AGREEMENTS_A_WEEK, labels / 4)
    backlog = max(0.0, pace.waiting - labels * _IN_HAND_DAYS / 7)
    free = max(0.0, labels - for_agreements - backlog)
    compared = max(1.0, pace.compared_per_week)
    requests = min(1.0, free / (compared * pace.difference))
    agreements = min(requests, for_agreements / (compared * (1 - min(0.99, pace.difference))))
    return Rate(now, requests, agreements)


def lower_rate(before: Rate, wanted: Rate) -> Rate | None:
    """Return the rate of later requests where `wanted` is clearly lower; a rollout's rate never rises."""
    if wanted.requests >= before.requests * (1 - _LEAST_CHANGE):
        return None
    return Rate(wanted.since, wanted.requests, min(before.agreements, wanted.agreements, wanted.requests))


def is_due(before: Rate, now: datetime) -> bool:
    """Return True where the rate of a rollout may be looked at again: once a day."""
    return now - before.since >= timedelta(days=1)
