"""Prometheus gauges of a home that no request changes: last cycle, live, holds, budget, reviews, sender of alerts.

Add here another fact that alert rules need (`monitoring/`). What this gateway itself does is counted in `metrics.py`.
"""

from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Gauge

from gateway.serving.slots import Slots
from ratchet.core.errors import RatchetError
from ratchet.rollout import ledger_entry as act
from ratchet.rollout.ledger_entry import Entry
from ratchet.rollout.state import state_after
from ratchet.storage.alert_log import read_tick
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.run_log import BLOCKED, ERROR, PASSED, RunLog
from ratchet.workflows.alerts.conditions import count_reviews, find_live, find_newest_row
from ratchet.workflows.alerts.occurrence import read_time
from ratchet.workflows.rollout.budget import load_budget

_STATES = {PASSED: 0, BLOCKED: 1, ERROR: 2}


class HomeGauges:
    """Gauges of a home; a classifier or figure that does not exist, or cannot be read, has no series."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, text: str, label: str = "classifier") -> Gauge:
            return Gauge(f"ratchet_{name}", text, [label] if label else [], registry=registry)

        self.cycle = gauge("last_cycle_status", "Outcome of the newest cycle: 0 passed, 1 blocked, 2 error.")
        self.live = gauge("live_since_timestamp_seconds", "Time since which the live adapter is live.")
        self.request = gauge("last_logged_timestamp_seconds", "Time at which a request was last logged.")
        self.held = gauge("rollout_held_timestamp_seconds", "Time since which a rollout is held, 0 where it is not.")
        self.spent = gauge("error_budget_spent_ratio", "Chance of a false promotion that 52 weeks have spent.")
        self.limit = gauge("error_budget_limit_ratio", "Chance of a false promotion that 52 weeks may have.")
        self.room = gauge("error_budget_left_rollouts", "Rollouts that the budget still lets enter.")
        self.reviews = gauge("review_open_requests", "Requests that wait for review, each once.")
        self.tick = gauge("alerts_last_tick_timestamp_seconds", "Time at which alerts were last looked for.", "")
        self.waiting = gauge("alerts_waiting_messages", "Alerts that a receiver has not got yet.", "receiver")

    def set(self, home: Home, slots: Slots, now: datetime | None = None) -> None:
        """Set every gauge; none is left from before."""
        now = now or datetime.now(UTC)
        for each in (self.cycle, self.live, self.request, self.held, self.spent, self.limit, self.room, self.reviews,
                     self.waiting):  # fmt: skip
            each.clear()
        for name in slots.names():
            try:
                self._set_one(home, name, now)
            except (RatchetError, OSError):  # whoever looks at the home says what is wrong; here it is a missing series
                continue
        last = read_tick(home)
        self.tick.set(read_time(str(last.get("at") or "")).timestamp())
        for receiver, count in dict(last.get("waiting") or {}).items():
            self.waiting.labels(receiver).set(count)

    def _set_one(self, home: Home, name: str, now: datetime) -> None:
        runs = [line for line in RunLog(home).read(name) if line.state in _STATES]
        if runs:
            self.cycle.labels(name).set(_STATES[runs[-1].state])
        if newest := find_newest_row(home, name):
            self.request.labels(name).set(newest.timestamp())
        entries = Ledger(home).entries(name)
        _, since = find_live(entries)
        if since is not None:
            self.live.labels(name).set(read_time(since.ts).timestamp())
        self.held.labels(name).set(_held_since(entries))
        budget = load_budget(home, name, entries, now)
        self.spent.labels(name).set(budget.spent)
        self.limit.labels(name).set(budget.limit)
        self.room.labels(name).set(max(0, int((budget.limit - budget.spent) / budget.price + 1e-6)))
        waiting = count_reviews(home, name, entries, now)
        self.reviews.labels(name).set(waiting or 0)


def _held_since(entries: list[Entry]) -> float:
    held = next((each for each in reversed(entries) if each.action == act.HOLD), None)
    return read_time(held.ts).timestamp() if held and state_after(entries).held else 0.0
