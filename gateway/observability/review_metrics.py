"""Prometheus gauges of the review queues: what waits, and since when, by reason.

Add here another number of a queue. The gauges themselves are in `metrics.py`, the numbers in
`ratchet/workflows/review/waiting.py`.
"""

from contextlib import suppress
from datetime import UTC, datetime

from gateway.observability.metrics import Metrics
from gateway.serving.slots import Slots
from ratchet.review.reasons import MEANINGS
from ratchet.storage.home import Home
from ratchet.workflows.review.waiting import count_waiting


def set_review_gauges(home: Home, slots: Slots, metrics: Metrics) -> None:
    """Set the gauges of every classifier that serves, for every reason; those of a queue that cannot be read stay."""
    now = datetime.now(UTC)
    for name in slots.names():
        with suppress(OSError):
            waiting = count_waiting(home, name, slots[name].spec)
            if waiting.behind and not waiting.reasons:
                continue  # nothing was counted: 0 would say that nothing waits
            found = {each.reason: each for each in waiting.reasons}
            for reason in MEANINGS:
                each = found.get(reason)
                age = max(0.0, (now - each.oldest).total_seconds()) if each else 0.0
                metrics.review_waiting.labels(name, reason).set(each.items if each else 0)
                metrics.review_oldest.labels(name, reason).set(age)
