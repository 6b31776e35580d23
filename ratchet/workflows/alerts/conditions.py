"""Conditions that hold now: too many reviews wait, nothing is logged, live is old, the year's error is spent.

Add here another state that people are alerted of. Its id names what makes it this one (the newest row, the adapter, the
week), so that it is the same at every look and another when the condition comes back.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ratchet.config.alerts import Alerts
from ratchet.core.cycle import monday_of
from ratchet.rollout.ledger_entry import Entry
from ratchet.rollout.state import RolloutState, apply_entry
from ratchet.storage.home import Home
from ratchet.storage.links import Links
from ratchet.workflows.adapter_names import AdapterNames
from ratchet.workflows.alerts.occurrence import Occurrence, make_line, read_time
from ratchet.workflows.review.waiting import count_week
from ratchet.workflows.rollout.budget import load_budget
from ratchet.workflows.rollout.sealing import serving_spec


def find_conditions(
    home: Home, name: str, entries: Sequence[Entry], alerts: Alerts, links: Links, now: datetime
) -> Iterator[Occurrence]:
    """Yield every condition of a classifier that holds at `now` (aware)."""
    at = now.astimezone(UTC).isoformat(timespec="seconds")

    def found(event: str, mark: str, text: str, link: str) -> Occurrence:
        return Occurrence(f"{name}:{event}:{mark}", event, name, at, make_line(name, text), link, past=False)

    waiting = count_reviews(home, name, entries, now)
    if waiting is not None and waiting > alerts.waiting_reviews:
        week = monday_of(now.astimezone(UTC).date())
        text = f"{waiting:,} requests wait for review (limit {alerts.waiting_reviews:,})"
        yield found("reviews_waiting", str(week), text, links.review(name))
    live, since = find_live(entries)
    if live is None or since is None:
        return
    newest = find_newest_row(home, name)
    if newest is not None and now - newest >= timedelta(hours=alerts.silent_hours):
        text = f"no request was logged since {newest:%Y-%m-%d %H:%M} UTC"
        yield found("nothing_logged", f"{newest:%Y-%m-%dT%H:%M:%S}", text, links.home())
    if now - read_time(since.ts) >= timedelta(weeks=alerts.live_weeks):
        adapter = AdapterNames(home, name, entries).of(live).short
        text = f"{adapter} is live since {since.ts[:10]}, longer than {alerts.live_weeks} weeks"
        yield found("live_old", f"{since.sequence}:{live[:8]}", text, links.trends(name))
    budget = load_budget(home, name, entries, now)
    if budget.held and budget.charges:
        charge = budget.charges[-1].entry
        yield found("budget_spent", f"{charge.sequence}:{charge.digest[:8]}", budget.held, links.rollout(name))


def count_reviews(home: Home, name: str, entries: Sequence[Entry], now: datetime) -> int | None:
    """Return the requests that wait for review; None where nothing was queued or the queue cannot be read."""
    return count_week(home, serving_spec(home, name, list(entries)), now, now)[1]


def find_live(entries: Sequence[Entry]) -> tuple[str | None, Entry | None]:
    """Return the live adapter, and the entry since which it is live."""
    state, since = RolloutState(), None
    for entry in entries:
        after = apply_entry(state, entry)
        since = entry if after.live != state.live else since
        state = after
    return state.live, since


def find_newest_row(home: Home, name: str) -> datetime | None:
    """Return the time at which a row was last written to the production logs or their journal; None before the first.

    Read from the times of files and folders: nothing is opened.
    """
    newest = 0.0
    for path in (*_landing_folders(home.landing(name, "production_logs")), *_journals(home, name)):
        try:
            newest = max(newest, path.stat().st_mtime)
        except OSError:
            continue
    return datetime.fromtimestamp(newest, UTC) if newest else None


def _landing_folders(folder: Path) -> list[Path]:
    """List the folders whose time changes when a file lands; none while nothing has landed."""
    try:
        inside = list(folder.iterdir())
    except OSError:
        return []
    return [folder, *(path for path in inside if path.is_dir())] if inside else []


def _journals(home: Home, name: str) -> list[Path]:
    """List the gateway's journals that hold a row."""
    try:
        return [path for path in home.journal(name, "production_logs").iterdir() if path.stat().st_size]
    except OSError:
        return []
