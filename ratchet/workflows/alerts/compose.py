"""Composition of messages: alerts of one event that wait for a receiver become one message, unless it is quiet.

Add here another rule on when a message may leave. Times are compared with the log's; the network is `deliver.py`.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ratchet.config.alert_events import EVENTS
from ratchet.config.alerts import Alerts, Receiver
from ratchet.config.clock_words import read_hours, within_hours
from ratchet.storage.links import Links
from ratchet.workflows.alerts.digest import DIGEST
from ratchet.workflows.alerts.occurrence import runbook_topic

LINES_AT_MOST = 12


def wants(receiver: Receiver, event: str, classifier: str) -> bool:
    """Return True where a receiver asked for this event of this classifier."""
    if event == DIGEST:
        return receiver.digest
    return event in (receiver.events or EVENTS) and (not receiver.classifiers or classifier in receiver.classifiers)


def is_quiet(alerts: Alerts, now: datetime) -> bool:
    """Return True within the quiet hours."""
    if not alerts.quiet:
        return False
    return within_hours(read_hours("alerts.quiet", alerts.quiet), now.astimezone(ZoneInfo(alerts.timezone)))


def compose(
    waiting: Sequence[Mapping[str, Any]], alerts: Alerts, links: Links, now: datetime
) -> Iterator[dict[str, Any]]:
    """Yield a message (id, alerts, title, body) for each event whose alerts may leave now."""
    by_event: dict[str, list[Mapping[str, Any]]] = {}
    for each in waiting:
        by_event.setdefault(str(each["event"]), []).append(each)
    for event, group in by_event.items():
        urgent = event in alerts.urgent
        if not urgent and is_quiet(alerts, now):
            continue
        age = now - datetime.fromisoformat(str(group[0]["ts"]))
        # a clock that was set back must not keep a message for hours
        if event != DIGEST and not urgent and timedelta(0) <= age < timedelta(minutes=alerts.group_minutes):
            continue
        yield make_message(event, group, links)


def make_message(event: str, group: Sequence[Mapping[str, Any]], links: Links) -> dict[str, Any]:
    """Return one message about alerts of one event; its id is that of its alert, or made of all of theirs."""
    ids = [str(each["id"]) for each in group]
    mark = hashlib.sha256("\n".join(ids).encode()).hexdigest()[:12]
    message = ids[0] if len(ids) == 1 else f"{event}:{len(ids)}:{mark}"
    if event == DIGEST:
        body = [str(group[-1]["line"]), str(group[-1]["link"]), f"id {message}"]
        return {"id": message, "alerts": ids, "title": "Ratchet, the week", "body": "\n".join(body)}
    title = str(group[0]["line"]).partition(": ")[0] if len(group) == 1 else f"{len(group)} x"
    shown = [line for each in group[:LINES_AT_MOST] for line in (str(each["line"]), str(each["link"]))]
    if len(group) > LINES_AT_MOST:
        shown.append(f"and {len(group) - LINES_AT_MOST} more: ratchet alerts list")
    body = [*shown, f"runbook {links.manual(runbook_topic(event))}", f"id {message}"]
    title = f"Ratchet, {title} {event.replace('_', ' ')}"
    return {"id": message, "alerts": ids, "title": title, "body": "\n".join(body)}
