"""Cards of the home page: what is live, where the rollout stands, how the last cycle ended, and what waits.

Everything is read from files; the warehouse is never opened, and nothing is made. Add here a fact of a card; it is
drawn by the package `page`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from ratchet.core.errors import RatchetError
from ratchet.core.system_errors import explain_fault, find_fault
from ratchet.rollout.ledger_entry import Entry
from ratchet.storage.home import Home
from ratchet.storage.review.event_log import list_logs
from ratchet.storage.rollout.ledger import Ledger
from ratchet.workflows.adapter_names import AdapterNames
from ratchet.workflows.history.history import load_history
from ratchet.workflows.overview.recent_weeks import RECENT_WEEKS, first_of_recent
from ratchet.workflows.review.waiting import count_week
from ratchet.workflows.rollout.sealing import serving_spec
from ratchet.workflows.rollout.view import load_view
from ratchet.workflows.status import next_schedule

SCHEMA = 1
_SENTENCE_AT_MOST = 200


def load_overview(home: Home, now: datetime) -> dict[str, Any]:
    """Return the cards of all classifiers as JSON types, sorted by name; `now` is aware.

    Keys: `schema_version`, `generated_at`, `next_run`, and `classifiers`, each with `classifier` and either `error` or
    `live`, `rollout`, `last_cycle`, `waiting`, and `weeks` (macro-F1 of the newest `RECENT_WEEKS`).
    """
    return {
        "schema_version": SCHEMA,
        "generated_at": now.astimezone(UTC).isoformat(timespec="seconds"),
        "next_run": next_schedule(now).isoformat(),
        "classifiers": [_card(home, name, now) for name in home.served()],
    }


def _card(home: Home, name: str, now: datetime) -> dict[str, Any]:
    try:
        return {"classifier": name, **_facts(home, name, now)}
    except RatchetError as error:
        return {"classifier": name, **error.as_json()}
    except Exception as error:  # noqa: BLE001 - whatever is broken of one classifier, the others are shown
        if fault := find_fault(error):
            return {"classifier": name, **explain_fault(fault, home.root).as_json()}
        found = f"{name} cannot be shown ({type(error).__name__})."
        return {"classifier": name, **RatchetError(found, "Run 'ratchet doctor' to see why.").as_json()}


def _facts(home: Home, name: str, now: datetime) -> dict[str, Any]:
    entries = Ledger(home).entries(name)
    names, view = AdapterNames(home, name, entries), load_view(home, name, now)
    history = load_history(home, name, now, first_of_recent(home, name))
    weeks = history["weeks"]
    live = names.of(history["live"]) if history["live"] else None
    return {
        "live": live and {"digest": live.digest, "week": live.week, "name": live.name, "short": live.short},
        "rollout": {
            "state": view.state,
            "tone": view.tone,
            "sign": view.sign,
            "sentence": _cut(view.sentence),
            "candidate": names.of(view.other).short if view.other else None,
            "budget": view.budget,
        },
        "last_cycle": {key: weeks[-1][key] for key in ("week", "verdict", "gate", "reason")} if weeks else None,
        "waiting": _count_waiting(home, name, entries, now),
        "sentence": history["sentence"],
        "weeks": [
            {
                "week": row["week"],
                "verdict": row["verdict"],
                "test": row["metrics"]["test_macro_f1"],
                "golden": row["metrics"]["golden_macro_f1"],
            }
            for row in weeks[-RECENT_WEEKS:]
        ],
    }


def _count_waiting(home: Home, name: str, entries: Sequence[Entry], now: datetime) -> int | None:
    """Return the requests that wait for review; None where that cannot be read."""
    try:
        if not list_logs(home, name):
            return 0
        return count_week(home, serving_spec(home, name, entries), now, now)[1]
    except (RatchetError, OSError):
        return None


def _cut(sentence: str) -> str:
    """Return the beginning of a sentence, cut between words."""
    if len(sentence) <= _SENTENCE_AT_MOST:
        return sentence
    return f"{sentence[: sentence.rfind(' ', 0, _SENTENCE_AT_MOST)]}…"
