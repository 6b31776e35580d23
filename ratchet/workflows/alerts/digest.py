"""Weekly digest: one message about all classifiers, a line each.

Add here another fact of a week that fits on its line; the home page shows more.
"""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ratchet.config.alerts import Alerts
from ratchet.config.clock_words import read_weekly
from ratchet.config.home_settings import HomeSettings
from ratchet.core.errors import RatchetError
from ratchet.storage.home import Home
from ratchet.storage.links import Links
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.run_log import RunLog
from ratchet.workflows.adapter_names import AdapterNames
from ratchet.workflows.alerts.conditions import count_reviews, find_live
from ratchet.workflows.alerts.occurrence import make_line, read_time

DIGEST = "digest"


def digest_time(alerts: Alerts, now: datetime) -> datetime | None:
    """Return the newest time of a digest that is not after `now` (aware); None where the settings want none."""
    if not alerts.digest_at:
        return None
    day, clock = read_weekly("alerts.digest_at", alerts.digest_at)
    local = now.astimezone(ZoneInfo(alerts.timezone))
    today = local.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0)
    newest = today - timedelta(days=(local.weekday() - day) % 7)
    return newest if newest <= local else newest - timedelta(days=7)


def make_digest(home: Home, settings: HomeSettings, at: datetime, now: datetime) -> dict[str, Any]:
    """Return the digest due at `at`, as an alert of the log."""
    lines = [describe_week(home, name, now) for name in home.served()]
    return {
        "id": f"{DIGEST}:{at.date()}",
        "event": DIGEST,
        "classifier": "",
        "at": at.astimezone(UTC).isoformat(timespec="seconds"),
        "line": "\n".join(lines) or "no classifier yet",
        "link": Links(settings).home(),
    }


def describe_week(home: Home, name: str, now: datetime) -> str:
    """Return one line about the last seven days of a classifier."""
    try:
        entries = Ledger(home).entries(name)
        live, since = find_live(entries)
        parts = [f"live {AdapterNames(home, name, entries).of(live).short}" if live and since else "nothing is live"]
        recent = Counter(entry.action for entry in entries if now - read_time(entry.ts) < timedelta(days=7))
        parts += [f"{count} {_WORDS[action]}" for action, count in recent.items() if action in _WORDS]
        runs = [line for line in RunLog(home).read(name) if line.ended]
        if runs:
            stage = f" by {runs[-1].stage}" if runs[-1].stage else ""
            parts.append(f"week {runs[-1].week} {runs[-1].state}{stage}")
        if waiting := count_reviews(home, name, entries, now):
            parts.append(f"{waiting:,} to review")
    except (RatchetError, OSError) as error:
        return make_line(name, f"cannot be read: {getattr(error, 'message', error)}")
    return make_line(name, ", ".join(parts))


_WORDS = {"promote": "promoted", "rollback": "rolled back", "reject": "rejected", "expire": "expired", "step": "steps"}
