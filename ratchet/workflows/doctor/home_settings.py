"""The checks of `ratchet doctor` on `<home>/settings.toml`: its text, its receivers' variables, its rights.

Add one function for each table that needs more than its constructor. Nothing is sent: `ratchet alerts test` does that.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from ratchet.config.alerts import Alerts
from ratchet.config.receiver_address import fill_address, holds_secret
from ratchet.core.errors import RatchetError
from ratchet.storage.alert_log import AlertLog, read_tick
from ratchet.storage.home import Home
from ratchet.storage.home_settings_file import read_home_settings
from ratchet.workflows.doctor.findings import Finding

_LATE = timedelta(minutes=10)
"""Time after which somebody who sends every 30 seconds or two minutes has missed several turns."""


def examine_home_settings(home: Home, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Return the findings on the settings of a home; none where the file is missing."""
    if not home.settings.exists():
        return
    try:
        settings = read_home_settings(home)
    except RatchetError as error:
        yield Finding("settings.toml", "fail", error.message, error.hint or "Fix the file.")
        return
    count = len(settings.alerts.receiver)
    yield Finding("settings.toml", "ok", f"{count} receiver{'' if count == 1 else 's'} of alerts")
    yield from _alerts(home, settings.alerts, environment)
    if count:
        yield from _sender(home, [each.name for each in settings.alerts.receiver], datetime.now(UTC))


def _alerts(home: Home, alerts: Alerts, environment: Mapping[str, str]) -> Iterator[Finding]:
    addresses = {f"receiver {each.name}": each.url for each in alerts.receiver}
    for what, address in {**addresses, **({"ping of alerts": alerts.ping} if alerts.ping else {})}.items():
        try:
            fill_address(address, environment)
        except RatchetError as error:
            yield Finding(what, "warn", error.message, error.hint)
    if any(map(holds_secret, addresses.values())) and home.settings.stat().st_mode & 0o044:
        hint = "Name an environment variable, as ${SLACK_TOKEN}, or 'chmod 600' the file."
        yield Finding("settings.toml", "warn", "an address of a receiver may hold a secret that others can read", hint)


def _sender(home: Home, receivers: list[str], now: datetime) -> Iterator[Finding]:
    """Return whether anybody sends, and which receivers do not take their messages."""
    failures = AlertLog(home).read().failures
    for name in receivers:
        if name in failures:
            count, _, why = failures[name]
            found = f"{count} failure{'' if count == 1 else 's'} in a row, {why}"
            yield Finding(f"receiver {name}", "warn", found, "Try it: 'ratchet alerts test' says what to do.")
    at = str(read_tick(home).get("at") or "")
    if not at or now - datetime.fromisoformat(at) > _LATE:
        found = f"nobody has looked for alerts {f'since {at[:16]}' if at else 'yet'}"
        yield Finding("alerts", "warn", found, "Start the daemon ('make dev'), or let cron run 'ratchet alerts send'.")
    else:
        yield Finding("alerts", "ok", f"last looked for at {at}")
