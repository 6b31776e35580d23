"""Collection of everything that people should be alerted of, from stored state alone: ledgers, runs, queues, logs.

Add here another source. A source that cannot be read is an occurrence itself, and stops no other one.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from ratchet.config.home_settings import HomeSettings
from ratchet.core.errors import RatchetError
from ratchet.storage.home import Home
from ratchet.storage.links import Links
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.run_log import RunLog
from ratchet.workflows.adapter_names import AdapterNames
from ratchet.workflows.alerts.conditions import find_conditions
from ratchet.workflows.alerts.ledger_occurrences import find_held, list_moves
from ratchet.workflows.alerts.occurrence import Occurrence
from ratchet.workflows.alerts.run_occurrences import find_dead, list_given_up, list_runs, unreadable

_LOG = logging.getLogger(__name__)


def collect(home: Home, settings: HomeSettings, now: datetime) -> dict[str, list[Occurrence]]:
    """Return the occurrences of each classifier, in the order in which they came."""
    links = Links(settings)
    return {name: _collect_one(home, name, settings, links, now) for name in home.served()}


def _collect_one(home: Home, name: str, settings: HomeSettings, links: Links, now: datetime) -> list[Occurrence]:
    found: list[Occurrence] = []
    at = now.astimezone(UTC).isoformat(timespec="seconds")

    def take(source: Callable[[], Iterable[Occurrence]]) -> None:
        try:
            found.extend(source())
        except (RatchetError, OSError) as error:
            reason = error.message if isinstance(error, RatchetError) else f"{error.strerror or error}"
            found.append(unreadable(name, reason, at, links))
        except Exception as error:  # noqa: BLE001 - a fault in one source must not silence the others
            _LOG.warning("%s: alerts of one source are missing", name, exc_info=error)
            found.append(unreadable(name, f"{type(error).__name__}, see the log", at, links))

    take(lambda: _of_runs(home, name, links, now))
    take(lambda: list_given_up(home, name, links))
    take(lambda: _moves(home, name, settings, links, now))
    take(lambda: find_conditions(home, name, Ledger(home).entries(name), settings.alerts, links, now))
    unique = {each.id: each for each in found}
    return sorted(unique.values(), key=lambda each: each.ts)


def _of_runs(home: Home, name: str, links: Links, now: datetime) -> list[Occurrence]:
    runs = RunLog(home).read(name)
    return [*list_runs(name, runs, links), *find_dead(home, name, runs, links, now)]


def _moves(home: Home, name: str, settings: HomeSettings, links: Links, now: datetime) -> list[Occurrence]:
    entries = Ledger(home).entries(name)
    return [
        *list_moves(name, entries, AdapterNames(home, name, entries), links),
        *find_held(name, entries, settings.alerts, links, now),
    ]
