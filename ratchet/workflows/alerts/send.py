"""One tick of whoever sends alerts: find what is due, write it down, send what may leave, say how it ended.

Add a step here. A sensor and `ratchet alerts send` both call `send_alerts`; one process at a time does the work.
"""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from ratchet.config.home_settings import HomeSettings
from ratchet.storage.alert_log import AlertLog, AlertState, read_tick, write_tick
from ratchet.storage.home import Home
from ratchet.storage.home_settings_file import read_home_settings
from ratchet.storage.links import Links
from ratchet.storage.locks.process_locks import try_lock
from ratchet.workflows.alerts.collect import collect
from ratchet.workflows.alerts.compose import compose, wants
from ratchet.workflows.alerts.deliver import deliver, ping
from ratchet.workflows.alerts.digest import digest_time, make_digest
from ratchet.workflows.alerts.occurrence import read_time

FIRST_PAUSE_S, LONGEST_PAUSE_S = 30, 3600
MESSAGES_AT_MOST = 10
"""Messages of one receiver in one tick."""
STUCK = timedelta(hours=1)
"""Time after which a message that cannot be sent makes the sender unhealthy: the ping stops, and its watcher speaks."""
_DAY = timedelta(days=1)


@dataclass
class Tick:
    """Outcome of a tick, for the sensor and the command."""

    busy: bool = False
    """True where another process was at work: nothing was done."""
    due: int = 0
    sent: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    """Receiver to the reason why a message was not sent."""
    pinged: str | None = None
    """None where none was due, '' for one that went out, else why it did not."""

    def as_json(self) -> dict[str, Any]:
        """Return JSON types."""
        return {**asdict(self), "sentence": self.sentence}

    @property
    def sentence(self) -> str:
        """The tick in one sentence."""
        if self.busy:
            return "another process sends alerts"
        failures = "".join(f"; {name} {why}" for name, why in self.failed.items())
        return f"{self.due} due, {self.sent} sent{failures}"


def send_alerts(home: Home, environment: Mapping[str, str] = os.environ, now: datetime | None = None) -> Tick:
    """Do one tick; raises `RatchetError` for settings that cannot be read. Nothing else waits for it."""
    settings = read_home_settings(home)
    if not settings.alerts.receiver and not settings.alerts.ping and not home.alerts.exists():
        return Tick()
    with try_lock(home.alerts / "lock") as held:
        return _tick(home, settings, environment, now or datetime.now(UTC)) if held else Tick(busy=True)


def _tick(home: Home, settings: HomeSettings, environment: Mapping[str, str], now: datetime) -> Tick:
    log, tick, links = AlertLog(home), Tick(), Links(settings)
    state = log.read()
    tick.due = _find_due(home, settings, log, state, now)
    batches: dict[str, tuple[str, list[dict[str, Any]]]] = {}
    for receiver in settings.alerts.receiver:
        if _pauses(state, receiver.name, now):
            continue
        unfinished = state.unfinished(receiver.name)
        if not unfinished:  # only then: what waits behind a broken message may join its like
            for message in compose(state.waiting(receiver.name), settings.alerts, links, now):
                log.intend(state, receiver.name, message, now)
            unfinished = state.unfinished(receiver.name)
        if unfinished:
            batches[receiver.name] = receiver.url, unfinished[:MESSAGES_AT_MOST]

    def end(receiver: str, message: str, why: str) -> None:
        log.end(state, receiver, message, why, now)
        tick.sent += not why
        if why:
            tick.failed[receiver] = why

    deliver(batches, environment, end)
    _report(home, settings, state, tick, environment, now)
    return tick


def _find_due(home: Home, settings: HomeSettings, log: AlertLog, state: AlertState, now: datetime) -> int:
    """Write down what became due; history that was there when the sender first looked needs no alert."""
    first, count = not state.begun, 0
    digest_at = digest_time(settings.alerts, now)
    due: list[dict[str, Any]] = []
    if first and digest_at is not None:
        log.begin(state, "", [f"digest:{digest_at.date()}"], now)
    elif digest_at is not None and f"digest:{digest_at.date()}" not in state.known:
        due.append(make_digest(home, settings, digest_at, now))
    for name, found in collect(home, settings, now).items():
        if name not in state.begun:
            past = [each for each in found if each.past and (first or read_time(each.ts) < now - _DAY)]
            log.begin(state, name, [each.id for each in past], now)
        due += [each.as_json() for each in found if each.id not in state.known]
    for alert in due:
        to = [each.name for each in settings.alerts.receiver if wants(each, alert["event"], alert["classifier"])]
        log.add_due(state, alert, to, now)
        count += 1
    return count


def _pauses(state: AlertState, receiver: str, now: datetime) -> bool:
    """Return True while a receiver that failed is left alone: 30 s, doubled with each failure, at most an hour."""
    if receiver not in state.failures:
        return False
    count, at, _ = state.failures[receiver]
    pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S << min(count - 1, 10))
    since = (now - datetime.fromisoformat(at)).total_seconds()
    return 0 <= since < pause  # a clock that was set back ends the pause


def _report(
    home: Home, settings: HomeSettings, state: AlertState, tick: Tick, environment: Mapping[str, str], now: datetime
) -> None:
    """Write what the tick did for others to see, and send the ping while the sender is healthy."""
    names = [each.name for each in settings.alerts.receiver]
    last = read_tick(home)
    waiting = {name: len(state.unfinished(name)) + len(state.waiting(name)) for name in names}
    stuck = [each["ts"] for name in names for each in state.unfinished(name)]
    facts: dict[str, Any] = {"at": now.isoformat(timespec="seconds"), "waiting": waiting, "pinged": last.get("pinged")}
    healthy = all(now - datetime.fromisoformat(ts) < STUCK for ts in stuck)
    if settings.alerts.ping and healthy and _ping_is_due(last.get("pinged"), settings.alerts.ping_minutes, now):
        tick.pinged = ping(settings.alerts.ping, environment)
        if tick.pinged:
            tick.failed["ping"] = tick.pinged
        else:
            facts["pinged"] = now.isoformat(timespec="seconds")
    write_tick(home, {**facts, "healthy": healthy, "failed": tick.failed})


def _ping_is_due(last: Any, minutes: float, now: datetime) -> bool:
    try:
        since = (now - datetime.fromisoformat(str(last))).total_seconds()
    except (ValueError, TypeError):
        return True
    return not 0 <= since < 60 * minutes - 1
