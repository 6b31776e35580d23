"""Evidence in the review queue: every request of a comparison's stream that somebody must label.

A look at the evidence finds them, so that one that a killed gateway never queued, or that a replay added, comes by the
next look. Add here what else follows for the queue; which requests these are is `ratchet/rollout/stream.py`.
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
from ratchet.storage.home import Home
from ratchet.storage.rollout.evidence_stream import Unlabelled
from ratchet.storage.rollout.ledger import Ledger
from ratchet.workflows.review.enqueue import enqueue, text_for_people
from ratchet.workflows.review.queue import ReviewQueue
from ratchet.workflows.rollout.advance import WeighedRollout
from ratchet.workflows.rollout.draw_stream import lower_when_behind
from ratchet.workflows.rollout.sealing import serving_spec

_LOG = logging.getLogger(__name__)
_DETAIL = "drawn by a keyed hash of the request id"
"""Detail of every such item: nobody shall learn whether the answers differ."""


def queue_evidence(home: Home, classifier: str, weighed: WeighedRollout, now: datetime | None = None) -> int:
    """Queue what the evidence that was weighed lacks, and lower the rate where too much waits; return how many were
    queued. A queue that cannot be written stops no decision: the log names it, and the next look tries again."""
    at, counted, entered = now or datetime.now(UTC), weighed.counted, weighed.state.entered
    if counted.stream is None or not counted.stream.drawn or entered is None or weighed.without_labels:
        return 0
    try:
        spec = serving_spec(home, classifier, Ledger(home).entries(classifier))
        queued = _enqueue(home, spec, counted.unlabelled, counted.stream.rate_at(at).requests, at)
        whole = counted.whole
        seen = {
            "compared": whole.requests,
            "differing": whole.disagreements,
            "waiting": len(counted.unlabelled),
        }
        warehouse = open_built_warehouse(home, classifier, SENSOR_LOCK_S)
        lower_when_behind(home, spec, warehouse, entered.sequence, counted.stream, seen, at)
    except (RatchetError, OSError, sqlite3.Error, duckdb.Error) as error:
        _LOG.warning("%s: its evidence could not be queued for review: %s", classifier, error)
        return 0
    return queued


def _enqueue(home: Home, spec: Spec, unlabelled: Sequence[Unlabelled], rate: float, now: datetime) -> int:
    if not unlabelled:
        return 0
    with closing(ReviewQueue.open(home, spec.name, spec)) as queue:
        rows = queue.index.rows("SELECT request_id FROM reasons WHERE reason = ?", (REASON,))
    known = {request for (request,) in rows}
    items = [
        QueuedRequest(each.request_id, REASON, now, text_for_people(spec, each.text), EVIDENCE, rate, detail=_DETAIL)
        for each in unlabelled
        if each.request_id not in known
    ]
    return enqueue(home, spec.name, items, writer="commands", now=now)
