"""Overview of the alerts of a home: what was sent, what waits, and whether anybody sends at all.

Add here a fact that `ratchet alerts` shows.
"""

from typing import Any

from ratchet.storage.alert_log import SENT, AlertLog, read_tick
from ratchet.storage.home import Home
from ratchet.storage.home_settings_file import read_home_settings


def describe_alerts(home: Home) -> dict[str, Any]:
    """Return every alert with its receivers, as JSON types."""
    state, settings = AlertLog(home).read(), read_home_settings(home)
    outcomes: dict[tuple[str, str], str] = {}
    for (receiver, _), message in state.messages.items():
        for alert in message["alerts"]:
            outcomes[receiver, alert] = message["outcome"]
    names = [each.name for each in settings.alerts.receiver]
    alerts = [
        {
            **{key: each[key] for key in ("id", "event", "classifier", "ts", "link")},
            "line": each["line"].replace("\n", "; "),
            "sent": ", ".join(to for to in each["to"] if outcomes.get((to, each["id"])) == SENT),
            "waits": ", ".join(to for to in each["to"] if to in names and outcomes.get((to, each["id"])) != SENT),
        }
        for each in state.due.values()
    ]
    failures = {name: state.failures.get(name, (0, "", "")) for name in names}
    last = read_tick(home)
    at = last.get("at")
    sentence = f"last looked at {at}" if at else "nobody has looked yet: 'make dev' does, or 'ratchet alerts send'"
    return {
        "receivers": [{"name": name, "failures": count, "why": why} for name, (count, _, why) in failures.items()],
        "alerts": alerts,
        "last_tick": at,
        "healthy": last.get("healthy"),
        "sentence": sentence if names else f"no receiver in settings.toml; {sentence}",
    }
