"""The history itself: `load_history`, a JSON document of weeks from the files that cycles and rollouts wrote.

Keys of the document (`docs/` names each figure): `schema_version`, `classifier`, `generated_at`, `since`, `sentence`,
`live`, `notes` (what cannot be read), `gates` and `blocks` (as `ratchet gates`), and `weeks`, oldest first. Keys may
be added, never renamed. Nothing here opens the warehouse, makes a file or needs write access. Add a figure in
`week_metrics.py`, a mark in `marks.py`.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.errors import RatchetError
from ratchet.rollout.error_budget import read_budget
from ratchet.rollout.ledger_entry import Entry
from ratchet.rollout.state import RolloutState, state_after
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger
from ratchet.workflows.candidate_fate import Fate, find_fate
from ratchet.workflows.gate_record import GateRecord, read_record
from ratchet.workflows.history.changes import add_changes
from ratchet.workflows.history.marks import list_events
from ratchet.workflows.history.sentence import explain_promotions
from ratchet.workflows.history.week_files import WeekFiles, list_weeks, read_week
from ratchet.workflows.history.week_metrics import read_metrics, slim_report
from ratchet.workflows.history.week_verdict import judge_week, make_line
from ratchet.workflows.rollout.advance import load_decision
from ratchet.workflows.rollout.sealing import promotion_or_default

SCHEMA = 1
YEAR_WEEKS = 52
_FIRST = date(1970, 1, 5)


def first_of_year(home: Home, name: str) -> date | None:
    """Return the Monday from which on the newest week that ran ends a year of 52 weeks; None before the first run."""
    home.need_served(name)
    weeks = list_weeks(home, name)
    return parse_week(weeks[-1]) - timedelta(weeks=YEAR_WEEKS - 1) if weeks else None


def load_history(home: Home, name: str, now: datetime, since: date | None = None) -> dict[str, Any]:
    """Return the history of a classifier since the week of a day, all of it without one; JSON types.

    A week that was damaged or half-written is a row with its reason. Raises `RatchetError` for an unknown classifier.
    """
    home.need_served(name)
    notes: list[str] = []
    entries = _entries(home, name, notes)
    record = _record(home, name, since or _FIRST, now, notes)
    first = str(since - timedelta(days=since.weekday())) if since else ""
    files = [read_week(home, name, week, slim_report) for week in list_weeks(home, name) if week >= first]
    made = {
        each.week: str(digest) for each in files if (digest := each.noted.get("adapter") or each.report.get("adapter"))
    }
    state = state_after(entries)
    events = list_events(entries, record.blocks if record else (), made)
    fates = {week: find_fate(entries, digest, state) for week, digest in made.items()}
    spent = _budgets(home, name, entries, [each.week for each in files], now, notes)
    weeks = [
        _row(each, made.get(each.week), events.get(each.week, []), fates.get(each.week, Fate("none")), spent)
        for each in files
    ]
    add_changes(weeks)
    return {
        "schema_version": SCHEMA,
        "classifier": name,
        "generated_at": now.astimezone(UTC).isoformat(timespec="seconds"),
        "since": first or None,
        "sentence": explain_promotions(
            weeks, {week: fate.word for week, fate in fates.items()}, _held(home, name, state), str(since or "")
        ),
        "live": state.live,
        "notes": notes,
        "gates": record.rows() if record else [],
        "blocks": [block.as_json() for block in record.blocks] if record else [],
        "weeks": weeks,
    }


def _row(
    files: WeekFiles, adapter: str | None, events: list[dict[str, Any]], fate: Fate,
    spent: Mapping[str, tuple[float, float]],
) -> dict[str, Any]:  # fmt: skip
    verdict, run = judge_week(files), files.run.get("metadata") or {}
    metrics = read_metrics(files)
    metrics["error_budget_spent"], metrics["error_budget_limit"] = spent.get(files.week, (None, None))
    reason = verdict.reason or make_line(f"its candidate {fate.sentence}" if adapter else "")
    return {
        "week": files.week,
        "run": run.get("invocation_id") or None,
        "at": run.get("generated_at") or None,
        "verdict": verdict.word,
        "gate": verdict.gate,
        "reason": reason,
        "adapter": adapter,
        "fate": fate.word,
        "figures_of_earlier_run": verdict.earlier,
        "marks": [event["mark"] for event in events],
        "events": events,
        "damaged": list(files.damaged),
        "metrics": metrics,
    }


def _entries(home: Home, name: str, notes: list[str]) -> list[Entry]:
    try:
        return Ledger(home).entries(name)
    except (RatchetError, OSError) as error:
        notes.append(f"Promotions are not shown: {getattr(error, 'message', error)}")
        return []


def _record(home: Home, name: str, since: date, now: datetime, notes: list[str]) -> GateRecord | None:
    try:
        return read_record(home, name, since, now)
    except (RatchetError, OSError) as error:
        notes.append(f"Blocks are not shown: {getattr(error, 'message', error)}")
        return None


def _budgets(
    home: Home, name: str, entries: Sequence[Entry], weeks: Sequence[str], now: datetime, notes: list[str]
) -> dict[str, tuple[float, float]]:
    """Return the year's error that was spent at the end of each week, and its limit; nothing before the first entry."""
    if not entries:
        return {}
    try:
        policy = promotion_or_default(home, name, entries)[0]
    except RatchetError as error:
        notes.append(f"The error budget is not shown: {error.message}")
        return {}
    found = {}
    for week in weeks:
        end = min(Cycle(name, parse_week(week)).end + timedelta(days=7), now)
        until = [entry for entry in entries if entry.ts and datetime.fromisoformat(entry.ts) < end]
        if until:
            budget = read_budget(until, policy, end)
            found[week] = (budget.spent, budget.limit)
    return found


def _held(home: Home, name: str, state: RolloutState) -> str:
    """Return why the candidate that is compared does not go on; '' where none is compared."""
    if state.challenger is None:
        return ""
    sentence = str(load_decision(home, name).get("sentence") or "")
    return make_line(sentence.removeprefix("Held: ").partition(";")[0].rstrip("."), 60) or "no decision yet"
