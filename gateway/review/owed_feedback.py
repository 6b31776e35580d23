"""Acknowledged feedback that never came into the review queue: the gateway was killed between the two, or is new.

Add here another durable row from which an item of the queue follows.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from gateway.row_log import FEEDBACK, REQUESTS, RowLog
from ratchet.config.spec import Spec
from ratchet.review.causes import AnsweredRequest
from ratchet.review.reasons import USER_FEEDBACK
from ratchet.storage.journal.recent_rows import read_landed
from ratchet.storage.review.event_log import list_queued
from ratchet.storage.review.request_files import find_answers

_MOST_ROWS, _MOST_SEGMENTS = 50_000, 5_000


def find_owed(
    landing: RowLog, name: str, spec: Spec, stopped: Callable[[], bool]
) -> Iterator[tuple[AnsweredRequest, str]]:
    """Yield request and source of each complaint of the last `retention_days` that no log of the queue holds.

    Looks at the newest 50,000 rows of feedback and 5,000 segments of requests; raises OSError for a folder that cannot
    be read.
    """
    home, columns = landing.home, ["request_id", "verdict", "source", "ts"]
    since = (datetime.now(UTC) - timedelta(days=spec.review.retention_days)).isoformat()
    rows = read_landed(home.journal(name, FEEDBACK), landing.target(name, FEEDBACK), columns, _MOST_ROWS)
    sources = {row["request_id"]: row["source"] for row in rows if row["verdict"] == "wrong" and row["ts"] >= since}
    if not sources:
        return
    owed = set(sources) - list_queued(home, name, USER_FEEDBACK)
    journal, folder = home.journal(name, REQUESTS), landing.target(name, REQUESTS)
    for request_id, row in find_answers(journal, folder, owed, most=_MOST_SEGMENTS, stopped=stopped).items():
        yield AnsweredRequest(request_id, row["text"], row["slot"] or ""), sources[request_id]
