"""The feed of the review queue: what an answer, a pair or a user's feedback gives cause to queue, within a second.

A thread of its own decides and writes, so that neither an answer nor the event loop waits; an item that cannot be
written is counted, and no answer is lost by it. Add here another event of the gateway; causes are
`ratchet/review/causes.py`, limits `choosing.py`, and the log is `ratchet/workflows/review/enqueue.py`.
"""

import logging
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from gateway.observability.metrics import Metrics
from gateway.review.choosing import Chooser
from gateway.review.feed_event import FeedEvent
from gateway.review.owed_feedback import find_owed
from gateway.review.recent_answers import RecentAnswers
from gateway.row_log import RowLog
from ratchet.config.spec import Spec
from ratchet.review.causes import AnsweredRequest, Cause, complaint
from ratchet.review.reasons import USER_FEEDBACK
from ratchet.storage.reserved_space import is_full, release
from ratchet.workflows.review.enqueue import enqueue, text_for_people

_LOG = logging.getLogger("ratchet.gateway")
_WAITING, _TOGETHER = 10_000, 500
"""Events that may wait for the thread, and those that it handles at once."""
_RETRY_S, _LOOK_S = 1.0, 5.0


_Found = tuple[FeedEvent, Cause]


class ReviewFeed:
    """Feed of one gateway. The `note_` methods return at once and raise nothing."""

    def __init__(
        self,
        landing: RowLog,
        metrics: Metrics,
        key: bytes,
        spec_of: Callable[[str], Spec | None],
        retry_s: float = _RETRY_S,
    ) -> None:
        self._landing, self._metrics, self._spec_of, self._retry_s = landing, metrics, spec_of, retry_s
        self._chooser, self._recent = Chooser(landing, key), RecentAnswers(landing)
        self._inbox: queue.Queue[FeedEvent | None] = queue.Queue(_WAITING)
        self._owed: list[_Found] = []
        """Complaints that could not be written: their feedback was acknowledged, so they are tried again."""
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def note_answers(self, classifier: str, spec: Spec, answers: Sequence[AnsweredRequest], *, compared: bool) -> None:
        """Take answers that were given; `compared` while a candidate is compared with live."""
        self._put(FeedEvent(classifier, spec, answers, compared))

    def note_pair(self, classifier: str, spec: Spec, pair: Mapping[str, Any]) -> None:
        """Take a pair of a rollout."""
        if pair["other_label"] is not None and pair["other_label"] != pair["served_label"]:
            self._put(FeedEvent(classifier, spec, pair=pair))

    def note_feedback(self, classifier: str, spec: Spec, row: Mapping[str, Any]) -> None:
        """Take feedback that is on disk."""
        if row["verdict"] == "wrong":
            self._put(FeedEvent(classifier, spec, complaint=(row["request_id"], row["source"])))

    def start(self) -> None:
        """Begin, and queue the feedback of before that never came into the queue."""
        self._metrics.begin_review(self._landing.home.served())
        self._threads = [
            threading.Thread(target=work, name=f"review {work.__name__}", daemon=True)
            for work in (self._work, self._tend)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Queue what has come so far, and end."""
        self._stopping.set()
        for thread in reversed(self._threads):
            if thread is self._threads[0]:
                self._inbox.put(None)
            thread.join()
        self._threads = []

    def _put(self, event: FeedEvent) -> None:
        try:
            self._inbox.put_nowait(event)
        except queue.Full:  # the disk is slower than the traffic; feedback is found again at the next start
            self._lose(event.classifier, "overload", max(1, len(event.answers)))

    def _work(self) -> None:
        ending = False
        while not ending:
            events, ending = self._gather()
            now, found = datetime.now(UTC), list[_Found]()
            for event in events:
                try:
                    self._recent.remember(event.classifier, event.answers)
                    found += self._choose(event, now)
                except Exception:  # noqa: BLE001 - whatever is wrong with one event, the next ones are queued
                    _LOG.exception("requests of classifier %s could not be queued for review", event.classifier)
                    self._lose(event.classifier, "fault", max(1, len(event.answers)))
            found, self._owed = [*self._owed, *found], []
            for name in dict.fromkeys(event.classifier for event, _ in found):
                self._write_each(name, [each for each in found if each[0].classifier == name], now)

    def _gather(self) -> tuple[list[FeedEvent], bool]:
        """Return the events that wait, after waiting for the first, or for the next try of what is owed."""
        events: list[FeedEvent] = []
        try:
            event = self._inbox.get(timeout=self._retry_s if self._owed else None)
            while event is not None:
                events.append(event)
                if len(events) >= _TOGETHER:
                    return events, False
                event = self._inbox.get_nowait()
        except queue.Empty:
            return events, False
        return events, True

    def _choose(self, event: FeedEvent, now: datetime) -> list[_Found]:
        """Return the causes of an event that are within their limits."""
        name, policy, chosen = event.classifier, event.spec.review, list[_Found]()
        for cause in self._causes(event, now):
            verdict = self._chooser.judge(name, policy, cause, now)
            if verdict is None:
                self._lose(name, "limit")
            elif verdict:
                chosen.append((event, cause))
        return chosen

    def _causes(self, event: FeedEvent, now: datetime) -> list[Cause]:
        name = event.classifier
        if event.pair is not None:
            answer = self._recent.find(name, event.pair["request_id"])
            return self._chooser.disagreement(name, answer, event.pair, now) if answer is not None else []
        if event.complaint is not None:
            request_id, source = event.complaint
            known = event.found or self._recent.find_all(name, [request_id]).get(request_id)
            if known is None:
                self._lose(name, "text")
                return []
            return [complaint(known, source)]
        return [
            cause
            for answer in event.answers
            for cause in self._chooser.causes(name, event.spec, answer, now, compared=event.compared)
        ]

    def _write_each(self, classifier: str, found: Sequence[_Found], now: datetime) -> None:
        """Queue these together; where one of them cannot be written down at all, the others by themselves."""
        try:
            self._write(classifier, found, now)
        except Exception:  # noqa: BLE001 - whatever is wrong with one text, the others are queued and the thread goes on
            if len(found) == 1:
                _LOG.exception("a request of classifier %s could not be queued for review", classifier)
                self._lose(classifier, "fault")
                return
            for each in found:
                self._write_each(classifier, [each], now)

    def _write(self, classifier: str, found: Sequence[_Found], now: datetime) -> None:
        items = [cause.as_item(text_for_people(event.spec, cause.request.text), now) for event, cause in found]
        try:
            self._landing.check_space()
            enqueue(self._landing.home, classifier, items, writer="gateway", now=now)
        except OSError as error:
            owed = [each for each in found if each[1].reason == USER_FEEDBACK][:_WAITING]
            self._owed += owed
            self._lose(classifier, "disk", len(found) - len(owed))
            if is_full(error):
                release(self._landing.home.ballast)
            return
        for item in items:
            self._metrics.review_queued.labels(classifier, item.reason).inc()

    def _tend(self) -> None:
        """Count the traffic that the draw follows, and queue once what an earlier process acknowledged and did not."""
        looked = set[str]()
        while not self._stopping.is_set():
            for name in self._landing.home.served():
                try:
                    self._chooser.count_traffic(name, datetime.now(UTC))
                    if name not in looked and (spec := self._spec_of(name)) is not None:
                        looked.add(name)
                        for found, source in find_owed(self._landing, name, spec, self._stopping.is_set):
                            self._inbox.put(FeedEvent(name, spec, complaint=(found.request_id, source), found=found))
                except OSError:
                    _LOG.exception("rows of classifier %s cannot be read; its review queue waits for them", name)
            self._stopping.wait(_LOOK_S)

    def _lose(self, classifier: str, cause: str, number: int = 1) -> None:
        if number:
            self._metrics.review_lost.labels(classifier, cause).inc(number)
