"""Caps on what one person or source may send: corrections a day, votes a request, and feedback a week.

They hold at the gateway only: whoever drops files has the whole home. Counts are those of rows that arrived, by the
gateway's clock, whatever time a row says; after a restart they are read from the stored rows. Add here another cap.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from gateway.row_log import CORRECTIONS, FEEDBACK
from ratchet.core.cycle import monday_of
from ratchet.data.records import ADJUDICATION, CHECK

REMEMBERED_REQUESTS = 50_000
"""Requests whose voters are remembered."""


ArrivedCounts = Sequence[tuple[str, str, date, str, int]]
"""Classifier, kind, first day of the cap, person or source, and number of rows."""


class CapError(Exception):
    """Raised for a row above a cap; `retry_s` is the time until the next one is taken, None where none ever is."""

    def __init__(self, message: str, retry_s: int | None) -> None:
        super().__init__(message)
        self.retry_s = retry_s


@dataclass
class SubmissionCaps:
    """Caps, and counts of the rows that arrived. Used by one event loop."""

    corrections_a_day: int = 2_000
    """Corrections of one person on one day (UTC), over all classifiers."""
    votes_a_request: int = 5
    """People whose corrections of one request are taken; an agreed request that is asked again counts no more,
    and whoever adjudicates may."""
    feedback_share: float = 0.05
    """Share of a week's requests on which one source under one key may give feedback."""
    feedback_at_least: int = 20
    """Feedback that one source may give in any week, however few requests there were."""
    _corrections: Counter[tuple[date, str]] = field(default_factory=Counter)
    """By day and person."""
    _voters: OrderedDict[tuple[str, str], set[str]] = field(default_factory=OrderedDict)
    """By classifier and request."""
    _feedback: Counter[tuple[str, date, str]] = field(default_factory=Counter)
    """By classifier, Monday and source."""

    def check(self, classifier: str, kind: str, row: Mapping[str, Any], requests: int, now: datetime) -> None:
        """Raise `CapError` where one more row of `kind` is too much; `requests` are those of this week so far."""
        today = now.astimezone(UTC).date()
        if kind == CORRECTIONS:
            person, voters = row["annotator"], self._voters.get((classifier, row["request_id"]), set())
            if self._corrections[today, person] >= self.corrections_a_day:
                raise CapError(
                    f"More than {self.corrections_a_day} corrections of one person in a day.",
                    _seconds_to(today, 1, now),
                )
            counts = row.get("chosen") not in (CHECK, ADJUDICATION) and person not in voters
            if counts and len(voters) >= self.votes_a_request:
                raise CapError(f"{self.votes_a_request} people have corrected this request; that is enough.", None)
        if kind == FEEDBACK:
            monday = monday_of(today)
            most = max(self.feedback_at_least, int(self.feedback_share * requests))
            if self._feedback[classifier, monday, row["source"]] >= most:
                raise CapError(
                    f"More than {most} pieces of feedback of one source in a week of {requests} requests.",
                    _seconds_to(monday, 7, now),
                )

    def count(self, classifier: str, kind: str, row: Mapping[str, Any], now: datetime, number: int = 1) -> None:
        """Count a row that was taken; `number` = -1 takes one back that could not be written."""
        today = now.astimezone(UTC).date()
        if kind == CORRECTIONS:
            self._corrections[today, row["annotator"]] += number
            for old in [key for key in self._corrections if key[0] < today - timedelta(days=7)]:
                del self._corrections[old]
            if number > 0:
                self.remember_voters(classifier, [row])
        if kind == FEEDBACK:
            self._feedback[classifier, monday_of(today), row["source"]] += number

    def restore(self, counts: ArrivedCounts) -> None:
        """Add the rows that arrived before this process began."""
        for classifier, kind, first, who, number in counts:
            if kind == CORRECTIONS:
                self._corrections[first, who] += number
            else:
                self._feedback[classifier, first, who] += number

    def remember_voters(self, classifier: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Remember who corrected which request."""
        for row in rows:
            if row.get("chosen") == CHECK:
                continue
            key = classifier, str(row["request_id"])
            self._voters.setdefault(key, set()).add(str(row["annotator"]))
            self._voters.move_to_end(key)
        while len(self._voters) > REMEMBERED_REQUESTS:
            self._voters.popitem(last=False)


def _seconds_to(first: date, days: int, now: datetime) -> int:
    end = datetime.combine(first + timedelta(days=days), time(tzinfo=UTC))
    return max(1, int((end - now).total_seconds()))
