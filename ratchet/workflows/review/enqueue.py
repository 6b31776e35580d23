"""Queuing of requests for review, by gateway, cycle and commands.

Add a source by calling `enqueue` with its reason; reasons are in `ratchet/review/reasons.py`.
"""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from ratchet.config.spec import Spec
from ratchet.data.redaction import redact
from ratchet.review.item import QueuedRequest
from ratchet.review.reasons import MEANINGS
from ratchet.storage.home import Home
from ratchet.storage.review.event_log import append_events, drop_old_logs


def enqueue(home: Home, name: str, items: Iterable[QueuedRequest], *, writer: str, now: datetime | None = None) -> int:
    """Queue requests; they are durable on return. Return how many lines were written.

    `writer` is `gateway`, `cycle` or `commands`. A request that is queued again for the same reason stays one item; one
    that has enough labels already stays out of sight. Raises OSError where the log cannot be written.
    """
    events = []
    for item in items:
        if item.reason not in MEANINGS:
            raise ValueError(f"unknown reason {item.reason!r}")
        events.append(item.as_event())
    append_events(home, name, writer, events, now)
    return len(events)


def text_for_people(spec: Spec, text: str) -> str:
    """Return the text as people shall see it: redacted as for the model, unless `[review]` says `raw`."""
    return text if spec.review.raw else redact(text)


def forget_old_texts(home: Home, name: str, spec: Spec, now: datetime) -> list[Path]:
    """Remove the logs that are older than `retention_days`; return them. Their requests leave the queue."""
    return drop_old_logs(home, name, spec.review.retention_days, now.date())
