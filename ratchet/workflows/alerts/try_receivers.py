"""Trial of every receiver, `ratchet alerts test`: one line to each, its outcome, and what to do where it failed.

Add here the hint for another failure.
"""

import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ratchet.config.receiver_address import variables_of
from ratchet.storage.home import Home
from ratchet.storage.home_settings_file import read_home_settings
from ratchet.storage.links import Links
from ratchet.workflows.alerts.deliver import deliver, ping

_HINTS = {
    "answered 401": "The token is refused: make a new one",
    "answered 403": "The token may not post there: check its rights and the channel",
    "answered 404": "The channel or address does not exist: check it",
    "answered 429": "Too many messages: wait, or group more (group_minutes)",
    "is not an address": "Check its scheme and parts with the page of that service in apprise's documentation",
    "the environment variable": "Set it where alerts are sent from: for the Dagster daemon, or the cron job",
    "did not answer": "Check host, proxy and firewall",
    "could not be reached": "Check host, port, proxy, firewall and token",
}


@dataclass(frozen=True)
class Trial:
    """Outcome for one receiver; `why` is empty where it took the line."""

    name: str
    why: str
    hint: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return JSON types."""
        return {**asdict(self), "ok": not self.why}


def try_receivers(home: Home, environment: Mapping[str, str] = os.environ) -> list[Trial]:
    """Send one line to every receiver, and request the ping; the log of alerts does not know of it."""
    settings = read_home_settings(home)
    mark = f"test:{secrets.token_hex(4)}"
    body = f"a test line: alerts of this home arrive here\n{Links(settings).home()}\nid {mark}"
    message = {"id": mark, "title": "Ratchet, test", "body": body}
    outcomes: dict[str, str] = {}
    deliver(
        {each.name: (each.url, [message]) for each in settings.alerts.receiver},
        environment,
        lambda receiver, _, why: outcomes.update({receiver: why}),
    )
    addresses = {each.name: each.url for each in settings.alerts.receiver}
    if settings.alerts.ping:
        outcomes["ping"], addresses["ping"] = ping(settings.alerts.ping, environment), settings.alerts.ping
    return [Trial(name, why, _hint(why, addresses[name])) for name, why in outcomes.items()]


def _hint(why: str, address: str) -> str:
    hint = next((hint for start, hint in _HINTS.items() if why.startswith(start)), "Check its address" if why else "")
    named = ", ".join(variables_of(address))
    return f"{hint} (variables: {named})." if hint and named else f"{hint}." if hint else ""
