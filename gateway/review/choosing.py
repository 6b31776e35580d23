"""Choice of the requests that are queued: what an answer gives cause for, how often, and for whom.

Add here a limit that depends on what was queued before; the rates themselves are `ratchet/review/audit.py`.
"""

from collections import Counter, OrderedDict
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from gateway.review.evidence_share import EvidenceShare
from gateway.row_log import REQUESTS, RowLog
from ratchet.config.review import ReviewPolicy
from ratchet.config.spec import Spec
from ratchet.core.cycle import monday_of
from ratchet.core.label_names import label_form
from ratchet.review.audit import audit_rate, has_budget
from ratchet.review.causes import AnsweredRequest, Cause, audit, disagreement, low_confidence
from ratchet.review.draw import EVIDENCE, draw
from ratchet.review.reasons import AUDIT, USER_FEEDBACK
from ratchet.storage.journal.recent_rows import count_rows

_REMEMBERED = 50_000
_UNLIMITED = {AUDIT, USER_FEEDBACK}
"""Reasons without a budget: the draw follows one already, and the gateway caps feedback."""
_WEEK_S = 7 * 86400


class Chooser:
    """Choice for all classifiers of one gateway. Used by one thread, which another one tells the traffic."""

    def __init__(self, landing: RowLog, key: bytes) -> None:
        self._landing, self._key, self._evidence = landing, key, EvidenceShare(landing.home)
        self._last_week: dict[tuple[str, date], int] = {}
        self._queued: Counter[tuple[str, str, date]] = Counter()
        self._known: OrderedDict[tuple[str, str, str], None] = OrderedDict()
        self._users: OrderedDict[tuple[str, str, date], str] = OrderedDict()
        """Request that was queued by value, by classifier, user and day."""

    def causes(
        self, classifier: str, spec: Spec, answer: AnsweredRequest, now: datetime, *, compared: bool
    ) -> list[Cause]:
        """Return the causes that an answer shows by itself. Nothing is drawn before the traffic was counted."""
        monday, drawn = monday_of(now.date()), None
        if (last := self._last_week.get((classifier, monday))) is not None:
            this = self._landing.count_week(classifier, REQUESTS, monday)
            drawn = audit(answer, self._key, audit_rate(spec.review, last, this, compared=compared))
        named = {label_form(label.name): label for label in spec.label}
        label = named.get(label_form(answer.label))
        doubtful = low_confidence(answer, label.threshold) if label is not None else None
        return [cause for cause in (drawn, doubtful) if cause is not None]

    def disagreement(
        self, classifier: str, answer: AnsweredRequest, pair: Mapping[str, Any], now: datetime
    ) -> list[Cause]:
        """Return the cause that a pair shows; none where the request is evidence, which is queued as such."""
        if draw(self._key, EVIDENCE, answer.request_id) < self._evidence.at(classifier, now):
            return []
        found = disagreement(answer, pair["other_label"], pair["other_confidence"])
        return [found] if found is not None else []

    def judge(self, classifier: str, policy: ReviewPolicy, cause: Cause, now: datetime) -> bool | None:
        """Return True where the request is to be queued, False where it is already, None where it is above a limit.

        By value, one request of a user a day is enough: else whoever asks most would be labelled most.
        """
        request, monday = cause.request, monday_of(now.date())
        if (key := (classifier, request.request_id, cause.reason)) in self._known:
            return False
        if cause.reason not in _UNLIMITED:
            user, counted = (classifier, request.user, now.date()), (classifier, cause.reason, monday)
            begun = datetime.combine(monday, time(tzinfo=UTC))
            elapsed = (now - begun).total_seconds() / _WEEK_S
            other = request.user and self._users.get(user, request.request_id) != request.request_id
            if other or not has_budget(policy, self._queued[counted], elapsed):
                return None
            self._queued[counted] += 1
            if request.user:
                _remember(self._users, user, request.request_id)
        _remember(self._known, key, None)
        return True

    def count_traffic(self, classifier: str, now: datetime) -> None:
        """Count the requests of last week, once a week: it reads files, so another thread than that of the draws does.

        Raises OSError.
        """
        monday = monday_of(now.date())
        if (classifier, monday) not in self._last_week:
            this = self._landing.count_week(classifier, REQUESTS, monday)
            since = datetime.combine(monday - timedelta(days=7), time(tzinfo=UTC))
            journal = self._landing.home.journal(classifier, REQUESTS)
            both = count_rows(journal, self._landing.target(classifier, REQUESTS), since)
            self._last_week[classifier, monday] = max(0, both - this)


def _remember(known: "OrderedDict[Any, Any]", key: Any, value: Any) -> None:
    known[key] = value
    while len(known) > _REMEMBERED:
        known.popitem(last=False)
