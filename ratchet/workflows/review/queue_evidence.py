"""Evidence in the review queue: every request of a comparison's stream that somebody must label.

A look at the evidence finds them, so that one that a killed gateway never queued, or that a replay added, comes by the
next look. Add here what else follows for the queue; which requests these are is `ratchet/rollout/evidence/stream.py`.
"""

import logging
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime

import duckdb

from ratchet.config.spec import Spec
from ratchet.core.errors import RatchetError
from ratchet.core.timeouts import SENSOR_LOCK_S
from ratchet.ingest.rebuild import open_built_warehouse
from ratchet.review.item import EVIDENCE, QueuedRequest
from ratchet.review.reasons import EVIDENCE as REASON
from ratchet.review.votes import CONFLICT, LEFT, WAITING
from ratchet.storage.home import Home
from ratchet.storage.review.event_log import append_events
from ratchet.storage.rollout.evidence_stream import RequestToLabel
from ratchet.storage.rollout.ledger import Ledger
from ratchet.workflows.review.enqueue import enqueue, text_for_people
from ratchet.workflows.review.queue import ReviewQueue
from ratchet.workflows.review.waiting import count_queued
from ratchet.workflows.rollout.advance import WeighedRollout
from ratchet.workflows.rollout.draw_stream import lower_when_behind
from ratchet.workflows.rollout.sealing import serving_spec

_LOG = logging.getLogger(__name__)
_DETAIL = "drawn by a keyed hash of the request id"
"""Detail of every such item: nobody shall learn whether the answers differ."""


def queue_evidence(home: Home, classifier: str, weighed: WeighedRollout, now: datetime | None = None) -> int:
    """Queue what the evidence that was weighed lacks, take out what no comparison needs any more, and lower the rate
    where too much waits; return how many requests were queued.

    A queue that cannot be written stops no decision: the log names it, and the next look tries again.
    """
    at, counted, entered = now or datetime.now(UTC), weighed.counted, weighed.state.entered
    if weighed.without_labels:  # nobody knows what is labelled
        return 0
    drawn = counted.stream is not None and counted.stream.drawn
    try:
        if not drawn and not count_queued(home, classifier, REASON):
            return 0
        spec = serving_spec(home, classifier, Ledger(home).entries(classifier))
        rate = counted.stream.rate_at(at).requests if counted.stream is not None else 0.0
        queued = _bring_up_to_date(home, spec, counted.to_label if drawn else (), rate, at)
        if counted.stream is not None and entered is not None and drawn:
            seen = {
                "compared": counted.whole.requests,
                "differing": counted.whole.disagreements,
                "waiting": len(counted.unlabelled),
            }
            warehouse = open_built_warehouse(home, classifier, SENSOR_LOCK_S)
            lower_when_behind(home, spec, warehouse, entered.sequence, counted.stream, seen, at)
    except (RatchetError, OSError, sqlite3.Error, duckdb.Error) as error:
        _LOG.warning("%s: its evidence could not be queued for review: %s", classifier, error)
        return 0
    return queued


def _bring_up_to_date(home: Home, spec: Spec, to_label: Sequence[RequestToLabel], rate: float, now: datetime) -> int:
    """Queue the requests that lack a verdict, and withdraw those of comparisons that ended."""
    with closing(ReviewQueue.open(home, spec.name, spec)) as queue:
        rows = queue.index.rows("SELECT request_id, state FROM reasons WHERE reason = ? AND state <> ?", (REASON, LEFT))
    known, wanted = dict(rows), {each.request_id for each in to_label}
    items = [
        QueuedRequest(each.request_id, REASON, now, text_for_people(spec, each.text), EVIDENCE, rate, detail=_DETAIL)
        for each in to_label
        if each.text is not None and each.request_id not in known
    ]
    ended = [request for request, state in known.items() if state in {WAITING, CONFLICT} and request not in wanted]
    withdrawn = [
        {"event": "withdrawn", "request_id": request, "reason": REASON, "ts": now.astimezone(UTC).isoformat()}
        for request in ended
    ]
    append_events(home, spec.name, "commands", withdrawn, now)
    return enqueue(home, spec.name, items, writer="commands", now=now)
