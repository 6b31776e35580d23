"""Table `[alerts]` of `<home>/settings.toml`: receivers, limits, quiet hours.

Add a setting here, with its default, unit and the error for a wrong value; an event in
`ratchet/config/alert_events.py`. Addresses of receivers hold secrets: they name environment variables, and no error
repeats one.
"""

import re
from collections import Counter
from dataclasses import dataclass

from ratchet.config.alert_events import EVENTS, URGENT
from ratchet.config.clock_words import check_timezone, read_hours, read_weekly
from ratchet.config.validation import STRICT, bad_spec, need_at_least
from ratchet.core.names import nearest

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


@dataclass(frozen=True)
class Receiver:
    """One receiver, `[[alerts.receiver]]`."""

    __pydantic_config__ = STRICT

    name: str
    """Name by which commands, logs and errors call it: its address is never shown."""
    url: str
    """Address as apprise writes it, with secrets from the environment: `slack://${SLACK_TOKEN}/#ops`, or all of it:
    `${OPS_MAIL_URL}`."""
    events: tuple[str, ...] = ()
    """Events that it gets; empty: all."""
    classifiers: tuple[str, ...] = ()
    """Classifiers that it hears of; empty: all."""
    digest: bool = True
    """True where it gets the weekly digest."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise bad_spec(
                f"alerts.receiver name = {self.name[:40]!r} is not allowed.",
                "Use 1 to 32 lower-case letters, digits, '_' or '-'.",
            )
        if "://" not in self.url and "${" not in self.url:
            raise bad_spec(
                f"alerts.receiver {self.name!r} has a url without a scheme.",
                "Write it as apprise does: 'slack://${SLACK_TOKEN}/#ops', 'mailto://...', 'json://host/path'.",
            )
        check_events("alerts.receiver events", self.events)


@dataclass(frozen=True)
class Alerts:
    """Receivers, limits from which on there is an alert, and the hours in which only urgent ones are sent."""

    __pydantic_config__ = STRICT

    receiver: tuple[Receiver, ...] = ()
    """Receivers `[[alerts.receiver]]`."""
    ping: str = ""
    """Address that is requested while whoever sends alerts is healthy, for a service that watches for silence; may name
    environment variables as a receiver's url does. Empty: none."""
    ping_minutes: float = 5.0
    """Minutes between two such requests."""
    timezone: str = "UTC"
    """Time zone of `quiet` and `digest_at`, as `Europe/Berlin`."""
    quiet: str = ""
    """Hours in which only events of `urgent` are sent, as `22:00-07:00`; the others wait for their end. Empty: none."""
    urgent: tuple[str, ...] = URGENT
    """Events that are sent in quiet hours, too, and that wait for no others."""
    group_minutes: float = 5.0
    """Minutes that a message waits for more of its event, so that many classifiers make one message."""
    digest_at: str = "mon 08:00"
    """Time of the weekly digest, as `mon 08:00`. Empty: no digest."""
    held_hours: float = 24.0
    """Hours that a rollout is held before there is an alert."""
    waiting_reviews: int = 200
    """Requests waiting for review above which there is an alert."""
    silent_hours: float = 24.0
    """Hours without a logged request after which there is an alert."""
    live_weeks: int = 8
    """Weeks after which there is an alert that the live adapter is old."""

    def __post_init__(self) -> None:
        check_timezone("alerts.timezone", self.timezone)
        if self.quiet:
            read_hours("alerts.quiet", self.quiet)
        if self.digest_at:
            read_weekly("alerts.digest_at", self.digest_at)
        check_events("alerts.urgent", self.urgent)
        for name, least in (("ping_minutes", 1), ("group_minutes", 0), ("held_hours", 0), ("silent_hours", 1)):
            need_at_least(f"alerts.{name}", getattr(self, name), least)
        for name in ("waiting_reviews", "live_weeks"):
            need_at_least(f"alerts.{name}", getattr(self, name), 1)
        if self.ping and not self.ping.startswith(("https://", "http://", "${")):
            raise bad_spec("alerts.ping is not an address.", "Write it as 'https://hc.example/${PING_ID}'.")
        for name, count in Counter(each.name for each in self.receiver).items():
            if count > 1:
                raise bad_spec(f"alerts.receiver has {count} receivers {name!r}.", "Give each a name of its own.")


def check_events(key: str, events: tuple[str, ...]) -> None:
    """Raise `RatchetError` for a word that is not an event; the hint names the nearest one."""
    for event in events:
        if event not in EVENTS:
            hint = nearest(event, EVENTS) or f"Events are: {', '.join(EVENTS)}."
            raise bad_spec(f"{key} names {event[:40]!r}, which is not an event.", hint)
