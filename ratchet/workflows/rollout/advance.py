"""The promoter: reads the evidence of a rollout, and carries out the decision on it. It trusts no earlier verdict.

Sensor, job and command all come here. Add here what must be read or written around a decision; the decision itself is
`ratchet/rollout/decision.py`, the entry of a new adapter `nominate.py`.
"""

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from ratchet.core.errors import BlockedError, RatchetError
from ratchet.core.files import write_json
from ratchet.core.timeouts import SENSOR_LOCK_S, WAREHOUSE_LOCK_S
from ratchet.ingest.rebuild import open_built_warehouse, open_warehouse
from ratchet.rollout import ledger_entry as act
from ratchet.rollout.decision import STAY, Decision, decide
from ratchet.rollout.evidence.repeats import describe_repeats
from ratchet.rollout.ledger_entry import Entry, Head
from ratchet.rollout.restart import BEGINS_AGAIN, restart_former
from ratchet.rollout.state import RolloutState, state_after
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.warehouse import Warehouse
from ratchet.workflows.rollout.budget import apply_budget, load_budget
from ratchet.workflows.rollout.count_evidence import CountedEvidence, count_evidence
from ratchet.workflows.rollout.freezing import apply_freeze, load_freeze
from ratchet.workflows.rollout.nominate import actor
from ratchet.workflows.rollout.reconcile import reconcile, record
from ratchet.workflows.rollout.reexamine import reexamine
from ratchet.workflows.rollout.rollback import need_refuge
from ratchet.workflows.rollout.sealing import promotion_in_force, promotion_or_default
from ratchet.workflows.rollout.shadow import enter_again
from ratchet.workflows.try_intake import try_intake


@dataclass(frozen=True)
class WeighedRollout:
    """A decision, and the state on which it was made."""

    state: RolloutState
    decision: Decision
    without_labels: str = ""
    """Reason for which no correction could be counted, such as a warehouse that another process holds: only broken
    guardrails move."""
    to_rebuild: bool = False
    """True where that reason is a warehouse that must be rebuilt."""
    counted: CountedEvidence = field(default_factory=CountedEvidence)


def weigh(home: Home, classifier: str, *, now: datetime | None = None, may_rebuild: bool = True) -> WeighedRollout:
    """Decide on the evidence at `now`, after ingesting landed rows; nothing is moved.

    Rows that cannot be ingested are a remark on the decision, never its end. Before an advance the candidate is checked
    again: it holds unless its receipts, answers and bytes still pass. A rollback waits for no warehouse: where it
    cannot be used the pairs are counted without corrections, and a broken guardrail is enough. Otherwise the decision
    holds; with `may_rebuild`, the error is raised. A sensor has no time to rebuild a warehouse or to wait for one.
    """
    reconcile(home, classifier)  # what a killed promoter left half done is finished before anything new is decided
    entries = Ledger(home).entries(classifier)
    state, (promotion, unread) = state_after(entries), promotion_or_default(home, classifier, entries)
    if may_rebuild:
        warehouse = open_warehouse(home, classifier, WAREHOUSE_LOCK_S)
    else:
        warehouse = open_built_warehouse(home, classifier, SENSOR_LOCK_S)
    fault: Exception | None = None
    remark = ""
    try:
        remark = try_intake(home, classifier, warehouse)
        counted = count_evidence(home, classifier, warehouse, state, promotion, now)
    except (RatchetError, OSError, duckdb.Error) as error:
        fault = error
        with TemporaryDirectory(prefix="ratchet-") as empty:
            without = Warehouse(Path(empty) / "warehouse.duckdb")
            counted = count_evidence(home, classifier, without, state, promotion, now)
    decision = decide(state, promotion, counted.whole, counted.step, now or datetime.now(UTC))
    if counted.stream is None:
        decision = restart_former(state, decision)
    if decision.action in {act.STEP, act.PROMOTE}:
        try:
            reexamine(home, classifier, decision.adapter, state)
        except (BlockedError, RatchetError) as error:
            held = f"Held: checked again, the candidate may not advance: {error.message}"
            decision = replace(decision, action=STAY, percent=0, sentence=held)
    decision = apply_budget(decision, state, load_budget(home, classifier, entries, now))
    decision = apply_freeze(decision, load_freeze(home, classifier, now))
    reason, to_rebuild = _why_not(fault)
    is_broken = any(each.status == "broken" for each in decision.guardrails)
    if unread and not is_broken:
        if may_rebuild:
            promotion_in_force(home, classifier, entries)  # raises the reason, with its hint
        decision = replace(decision, action=STAY, percent=0, sentence=f"Held: no policy is sealed, and {unread}")
    elif unread:
        remark = f"Nothing is sealed and classifier.toml cannot be read, so the default limits count. {remark}".strip()
    if fault is not None and not is_broken:
        if may_rebuild:
            raise fault
        held = f"Held: corrections cannot be counted {reason}"
        decision = replace(decision, action=STAY, percent=0, sentence=held)
    if remark := " ".join(filter(None, (remark, describe_repeats(counted.whole)))):
        decision = replace(decision, sentence=f"{decision.sentence} {remark}")
    return WeighedRollout(state, decision, reason, to_rebuild, counted)


def _why_not(fault: Exception | None) -> tuple[str, bool]:
    """Return why the warehouse could not be used, and if a rebuild would help; empty where it could."""
    if fault is None:
        return "", False
    if isinstance(fault, RatchetError) and fault.code == "not_built":
        return "before the warehouse is rebuilt", True
    lines = (fault.message if isinstance(fault, RatchetError) else str(fault)).splitlines() or [type(fault).__name__]
    return f"now: {lines[0][:300]}", False


def apply_decision(
    home: Home, classifier: str, weighed: WeighedRollout, *, now: datetime | None = None
) -> Entry | None:
    """Write the decision, and unless it is to hold also a ledger entry and the flag; return the entry.

    Raises `RatchetError` when another promoter was faster; it has decided on the same evidence, and nothing is lost.
    Raises it, too, for a rollback to which no whole adapter is left.
    """
    decision, state, at = weighed.decision, weighed.state, (now or datetime.now(UTC)).isoformat(timespec="seconds")
    if decision.action == act.ROLLBACK:
        refuge = need_refuge(home, classifier, state)
        decision = replace(decision, adapter=str(refuge.adapter), sentence=decision.sentence + refuge.remark)
    entry = None
    if decision.action != STAY:
        entry = record(
            home,
            classifier,
            after=state.head,
            key=f"{state.head.digest[:16]}:{decision.action}:{decision.percent}",
            ts=at,
            actor=actor(),
            action=decision.action,
            why=decision.sentence,
            adapter=decision.adapter,
            previous_adapter=decision.gone,
            week=state.entered.week if state.entered else "",
            receipts={},
            percent=decision.percent,
            evidence=decision.figures,
        )
    save_decision(home, classifier, decision, at, state.head)
    if entry is not None and entry.evidence.get(BEGINS_AGAIN):
        enter_again(home, classifier, decision.gone)
    return entry


def stop_or_resume(
    home: Home, classifier: str, why: str, *, lift: bool = False, who: str = "", seen: Head | None = None
) -> Entry:
    """Stop the ladder at its rung, or lift the stop; traffic does not change. `who` is the user, if not the one who
    runs this process; with `seen` it is decided on that head of the ledger alone. Raises when it is so already, when
    another decision came first, and when nothing is compared, so that there is nothing to stop."""
    reconcile(home, classifier)
    state = Ledger(home).state(classifier)
    if state.live is not None and state.compared is None and not lift:
        raise RatchetError(
            f"{classifier} has no rollout that could be held: nothing is compared with live.",
            "Look at 'ratchet status'.",
            code="bad_move",
        )
    if state.live is None or state.held is not lift:
        reason = "is not stopped" if lift else "is stopped already" if state.live else "has nothing live"
        raise RatchetError(f"the ladder of {classifier} {reason}.", "Look at 'ratchet status'.", code="bad_move")
    return record(
        home, classifier, after=seen or state.head, ts=datetime.now(UTC).isoformat(timespec="seconds"),
        actor=who or actor(),
        action=act.RESUME if lift else act.HOLD, why=why, adapter=state.live,
        week=state.entered.week if state.entered else "", receipts={},
    )  # fmt: skip


def save_decision(home: Home, classifier: str, decision: Decision, at: str, head: Head) -> None:
    """Save the newest decision, made on `head`, for the page and `ratchet status`. Errors of the disk are ignored."""
    # a full disk must not stop a rollback, and the file is expendable
    try:
        write_json(home.rollout(classifier), {**describe_decision(decision, at), "sequence": head.sequence})
    except OSError:
        return


def load_decision(home: Home, classifier: str) -> dict[str, Any]:
    """Return the decision that was saved last; empty when there is none that can be read."""
    try:
        result = json.loads(home.rollout(classifier).read_bytes())
    except (OSError, ValueError):
        return {}
    return result if isinstance(result, dict) else {}


def describe_decision(decision: Decision, at: str) -> dict[str, Any]:
    """Return a decision as JSON types."""
    document = {"schema": 1, "at": at, **asdict(decision)}
    for guardrail in document["guardrails"]:
        guardrail["said"] = guardrail.pop("sentence")  # the key that readers of `rollout.json` know
    return document
