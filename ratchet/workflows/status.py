"""One classifier at a glance: its live adapter, newest candidate, last cycle and next schedule. Creates nothing.

Add here a fact that the status screen shows; it is drawn by `orchestration/cli/status_output.py`.
"""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from ratchet.core.cycle import Cycle, monday_of, parse_week
from ratchet.core.errors import RatchetError
from ratchet.core.timeouts import STATUS_LOCK_S
from ratchet.gates.chain import judged_on_examples
from ratchet.gates.registry import GATES
from ratchet.ingest.rebuild import open_warehouse
from ratchet.ingest.row_counts import describe_rows, find_uncounted
from ratchet.rollout.ledger_entry import PROMOTE, SHADOW, Entry
from ratchet.rollout.state import RolloutState, apply_entry, state_after
from ratchet.storage.given_up import describe_given_up
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.storage.review.rejected_rows import count_reports
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.rollout.quarantine import Quarantine
from ratchet.storage.run_history import candidates, read_run, run_weeks
from ratchet.workflows.golden_use import describe_golden_use
from ratchet.workflows.integrity import examine
from ratchet.workflows.label_state import try_labels
from ratchet.workflows.review.label_studio import describe_label_studio
from ratchet.workflows.review.waiting import describe_queue
from ratchet.workflows.rollout.advance import load_decision
from ratchet.workflows.rollout.budget import load_budget
from ratchet.workflows.rollout.describe_pause import explain_pause, find_waiting
from ratchet.workflows.rollout.policy import compare_policy
from ratchet.workflows.rollout.serving_state import compare_serving

SCHEDULE = time(6, tzinfo=UTC)
"""Time of the weekly run, on Mondays; `orchestration/weekly_cycle.py` holds the schedule itself."""


def describe_classifier(home: Home, name: str, now: datetime) -> dict[str, Any]:
    """Return the facts of the status screen as JSON types; `notes` says which part cannot be read, and why.

    `faults` are things that are damaged or gone. Looking for them reads at most `QUICK_BYTES` of adapters (0.1 s), and
    name and size of the newest 10,000 landed files (0.3 s on two busy cores).
    """
    notes: list[str] = []
    weeks, corrections = _rows(home, name, notes)
    notes += filter(None, [find_uncounted(home, name)])
    entries = Ledger(home).entries(name)
    state = state_after(entries)
    policy = _policy(home, name, entries, notes)
    faults = [each for each in examine(home, name, state, whole=False) if each.fault]
    seen = Receipts(home).corrections_seen(name)
    return {
        "classifier": name,
        "live": _live(entries, state),
        "rollout": _rollout(home, name, state),
        "pause": explain_pause(home, name, str(load_decision(home, name).get("sentence") or ""), now),
        "error_budget": load_budget(home, name, entries, now).as_json(),
        "serving": compare_serving(home, name, state).as_json(),
        "candidate": _candidate(home, name, notes),
        "last_cycle": _last_cycle(home, name),
        "labels": try_labels(home, name),
        "golden_set": describe_golden_use(home, name),
        "quarantine": _quarantine(home, name, notes),
        "quarantined_requests": _left_out(home, name),
        "weeks": {
            "count": len(weeks),
            "first": _text(min(weeks, default=None)),
            "last": _text(max(weeks, default=None)),
        },
        "requests": sum(weeks.values()),
        "rows": describe_rows(home, name),
        "reject_reports": {"files": count_reports(home.rejected(name)), "folder": str(home.rejected(name))},
        "labelled_examples": _examples(home, name, notes),
        "corrections_since": None if corrections is None else max(0, corrections - seen),
        "next_schedule": next_schedule(now).isoformat(),
        "disk_bytes": size_of(home.classifier(name)),
        "paths": {
            "folder": str(home.classifier(name)),
            "reports": str(home.reports(name)),
            "ledger": str(home.ledger(name)),
        },
        "policy": policy,
        "review": describe_queue(home, name, now),
        "label_studio": describe_label_studio(home, name),
        "given_up": describe_given_up(home, name),
        "faults": [each.as_json() for each in faults],
        "notes": notes,
    }


def _live(entries: list[Entry], state: RolloutState) -> dict[str, Any] | None:
    """Return the live adapter: the week that made it, and the entry since which it is live."""
    if state.live is None:
        return None
    before, since = RolloutState(), entries[0]
    for entry in entries:
        after = apply_entry(before, entry)
        since = entry if after.live != before.live else since
        before = after
    entered = [entry for entry in entries if entry.adapter == state.live and entry.action in {PROMOTE, SHADOW}]
    week = next((entry.week for entry in reversed(entered) if entry.week), since.week)
    return {"adapter": state.live, "week": week, "since": since.ts, "why": since.why}


def _rollout(home: Home, name: str, state: RolloutState) -> dict[str, Any] | None:
    """Return the comparison that is running, with the newest decision on it; None when there is none."""
    if state.compared is None:
        return None
    decision = load_decision(home, name)
    return {
        "incumbent": state.compared[0],
        "challenger": state.compared[1],
        "percent": state.percent if state.challenger else 100,
        "held": state.held,
        "waiting": find_waiting(home, name),
        "bucketing": state.bucketing,
        "state": decision.get("state", ""),
        "decision": decision.get("sentence", ""),
        "at": decision.get("at", ""),
    }


def next_schedule(now: datetime) -> datetime:
    """Return the next Monday at `SCHEDULE` after `now` (aware)."""
    this = datetime.combine(monday_of(now.astimezone(UTC).date()), SCHEDULE)
    return this if this > now else this + timedelta(days=7)


def size_of(folder: Path) -> int:
    """Return the bytes of all files below `folder`; a file that vanishes meanwhile counts 0."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size
        except FileNotFoundError:
            continue
    return total


def _rows(home: Home, name: str, notes: list[str]) -> tuple[dict[date, int], int | None]:
    if not home.warehouse(name).exists():
        if home.manifest(name).exists():
            notes.append(
                f"Rows are not counted: the warehouse is rebuilt by 'ratchet ingest {name}' or the next cycle."
            )
            return {}, None
        return {}, 0
    warehouse = open_warehouse(home, name, STATUS_LOCK_S)
    try:
        return warehouse.weeks(name), warehouse.count_corrections(name)
    except RatchetError as error:
        notes.append(error.message)
        return {}, None


def _policy(home: Home, name: str, entries: list[Entry], notes: list[str]) -> dict[str, Any] | None:
    """Return the entry that seals the policy in force, and how the file differs; None where the file is unreadable."""
    try:
        return compare_policy(home, name, entries).as_json()
    except RatchetError as error:
        notes.append(error.message)
        return None


def _candidate(home: Home, name: str, notes: list[str]) -> dict[str, Any] | None:
    newest = next(iter(candidates(home, name)), None)
    if newest is None:
        return None
    cycle, adapter = newest
    result: dict[str, Any] = {
        "adapter": adapter,
        "week": str(cycle.week),
        "verdict": "unfinished",
        "reason": "not every gate has judged it",
    }
    try:
        receipts = Receipts(home).read(cycle)
    except RatchetError as error:
        notes.append(error.message)
        return {**result, "verdict": "unknown", "reason": error.message}
    failed = [gate for gate in GATES if gate in receipts and not receipts[gate].verdict.passed]
    if failed:
        return {**result, "verdict": "blocked", "reason": f"{failed[0]}: {receipts[failed[0]].verdict.reason}"}
    if len(receipts) == len(GATES):
        mark = "; judged by labelled examples alone, promoted by hand only" if judged_on_examples(receipts) else ""
        return {**result, "verdict": "passed", "reason": f"all {len(GATES)} gates let it pass{mark}"}
    return result


def _examples(home: Home, name: str, notes: list[str]) -> int | None:
    """Return the number of labelled examples without a request; None where the warehouse cannot be read."""
    if not home.warehouse(name).exists():
        return None if home.manifest(name).exists() else 0
    try:
        return open_warehouse(home, name, STATUS_LOCK_S).count("labelled_examples", name)
    except RatchetError as error:
        if error.message not in notes:
            notes.append(error.message)
        return None


def _left_out(home: Home, name: str) -> int:
    """Return the labelled requests that the newest cycle left out since their week was held."""
    receipts = Receipts(home)
    newest = next((receipts.noted(Cycle(name, parse_week(week))).get("data") for week in receipts.weeks(name)), None)
    return int(newest["dropped"].get("quarantined", 0)) if newest else 0


def _quarantine(home: Home, name: str, notes: list[str]) -> dict[str, str]:
    """Return the weeks that are held, each with its reason."""
    try:
        return Quarantine(home).state(name).describe()
    except RatchetError as error:
        notes.append(error.message)
        return {}


def _last_cycle(home: Home, name: str) -> dict[str, Any] | None:
    runs = [(week, run) for week in run_weeks(home, name) if (run := read_run(home, Cycle(name, parse_week(week))))]
    if not runs:
        return None
    week, run = max(runs, key=lambda found: found[1]["metadata"]["generated_at"])
    bad = next((stage for stage in run["results"] if stage["status"] in {"blocked", "error"}), None)
    unfinished = any(stage["status"] == "skipped" for stage in run["results"])
    word = bad["status"] if bad else "unfinished" if unfinished else "passed"
    reason = f"{bad['unique_id']}: {bad['message']}" if bad else ""
    return {"week": week, "at": run["metadata"]["generated_at"], "verdict": word, "reason": reason}


def _text(day: date | None) -> str | None:
    return None if day is None else str(day)
