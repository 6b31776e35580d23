"""`ratchet why`: the history of one request, from its answer to the cycles that trained, calibrated or judged with it.

Add here another stage that a request passes; its sentences are `ratchet/review/request_facts.py`, the rows of the
request are found by `request_rows.py`. Opens no warehouse itself, and creates nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from ratchet.config.spec import Spec
from ratchet.core.cycle import Cycle, monday_of, parse_week
from ratchet.core.errors import RatchetError
from ratchet.core.label_names import label_form
from ratchet.data.label_rules import NO_RULES
from ratchet.data.redaction import redact
from ratchet.data.sift import REASONS
from ratchet.gates.registry import GATES
from ratchet.review.request_history import USES, CycleUse, RequestHistory, Row
from ratchet.rollout.sealed_policy import raise_thresholds
from ratchet.rollout.state import state_after
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.storage.review.label_rules import LabelRuleFile
from ratchet.storage.review.request_files import find_copied, read_parquet
from ratchet.storage.review.suspensions import Suspensions
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.rollout.quarantine import Quarantine
from ratchet.workflows.fit_acting import read_thresholds
from ratchet.workflows.review.correction_states import describe_corrections
from ratchet.workflows.review.enqueue import text_for_people
from ratchet.workflows.review.request_rows import RequestRows, find_everywhere
from ratchet.workflows.rollout.sealing import serving_spec

FindRows = Callable[[Home, str, str], RequestRows]
_SERVED = ("ts", "label", "confidence", "adapter", "slot", "flag_reason", "action", "path", "runtime", "latency_ms")


def trace_request(
    home: Home, name: str, request_id: str, *, text: bool = False, find: FindRows = find_everywhere
) -> RequestHistory:
    """Return the history of a request of classifier `name`, empty where nothing names it.

    Its text is there only where it was asked for, and then as the model sees it, unless `[review]` says `raw`.
    """
    found = find(home, name, request_id)
    notes = list(found.notes)
    try:
        entries = Ledger(home).entries(name)
    except (RatchetError, OSError):
        entries = []
        notes.append("The ledger cannot be read, so nothing here says which adapter is live.")
    live = state_after(entries).live
    try:
        spec = serving_spec(home, name, entries)
    except RatchetError:
        spec = None
        notes.append("classifier.toml cannot be read, so thresholds and people are not known here.")
    row = found.requests[0] if found.requests else None
    return RequestHistory(
        name,
        request_id,
        _served(home, row, spec) if row else None,
        (text_for_people(spec, row["text"]) if spec else redact(row["text"])) if row and text else None,
        compared=tuple(found.compared),
        feedback=tuple(found.feedback),
        queued=tuple(found.queued),
        corrections=_corrections(home, name, request_id, found.corrections, spec),
        contradictions=tuple(found.contradictions),
        consensus=_consensus(home, name, request_id),
        cycles=_cycles(home, name, request_id, spec, live, notes),
        quarantine=_quarantine(home, name, row, notes),
        waiting=tuple(found.waiting),
        rejected=tuple(found.rejected),
        notes=tuple(notes),
    )


def _served(home: Home, row: Row, spec: Spec | None) -> Row:
    if spec is not None:
        with suppress(RatchetError, OSError):  # the adapter may be gone; its own thresholds are not known then
            spec = raise_thresholds(spec, read_thresholds(home, spec.name, row.get("adapter")))
    named = {label_form(label.name): label.threshold for label in spec.label} if spec else {}
    threshold = named.get(label_form(row["label"]))
    return {**{column: row.get(column) for column in _SERVED}, "threshold": threshold}


def _corrections(home: Home, name: str, request_id: str, rows: Sequence[Row], spec: Spec | None) -> tuple[Row, ...]:
    if not rows:
        return ()
    # the week of its labels, which is that of the request, tells whose labels were left out
    weeks = find_copied(home.tables(name, "labels"), request_id)
    copies = (home.tables(name, "left_out") / f"{week}.parquet" for week in weeks)
    left_out = {str(row["annotator"]): row for path in copies for row in read_parquet(path) or ()}
    rules = LabelRuleFile(home, name).try_read() or NO_RULES
    people = spec.people if spec is not None else {}
    return describe_corrections(rows, people, Suspensions(home, name).names(), left_out, rules)


def _consensus(home: Home, name: str, request_id: str) -> Row | None:
    found = find_copied(home.tables(name, "labels"), request_id)
    columns = ("label", "status", "annotators", "votes", "agreement", "blind", "drawn", "adjudicated")
    return next(({column: rows[0].get(column) for column in columns} for rows in found.values()), None)


def _cycles(
    home: Home, name: str, request_id: str, spec: Spec | None, live: str | None, notes: list[str]
) -> tuple[CycleUse, ...]:
    examples, dropped, answers = (
        find_copied(home.tables(name, table), request_id, column)
        for table, column in (("examples", "request_id"), ("dropped", "request_id"), ("predictions", "item"))
    )
    result = list[CycleUse]()
    for week in sorted({*examples, *dropped}):
        adapter, outcome = _outcome(home, Cycle(name, parse_week(week)), notes)
        result += [
            CycleUse(week, "dropped", None, str(row["reason"]), str(row["detail"] or REASONS.get(row["reason"], "")))
            for row in dropped.get(week, [])
        ]
        predictions = tuple(_prediction(each, spec.labels if spec else ()) for each in answers.get(week, []))
        result += [
            CycleUse(
                week, USES.get(str(row["split"]), str(row["split"])), row["label"], adapter=adapter, outcome=outcome,
                live=adapter != "" and adapter == live, predictions=predictions,
            )
            for row in examples.get(week, [])
        ]  # fmt: skip
    return tuple(result)


def _outcome(home: Home, cycle: Cycle, notes: list[str]) -> tuple[str, str]:
    """Return the candidate of a cycle, and the verdict on it."""
    receipts = Receipts(home)
    try:
        adapter, judged = str(receipts.noted(cycle).get("adapter") or ""), receipts.read(cycle)
    except RatchetError as error:
        notes.append(error.message.replace(f"{home.root}/", ""))
        return "", "unknown"
    for gate in GATES:
        if gate in judged and not judged[gate].verdict.passed:
            return adapter, f"blocked by {gate}: {judged[gate].verdict.reason}"
    return adapter, f"all {len(GATES)} gates passed" if len(judged) == len(GATES) else "not every gate has judged it"


def _prediction(row: Mapping[str, Any], labels: Sequence[str]) -> Row:
    chances = row["probabilities"] or []
    named = dict(zip(labels, chances, strict=True)) if len(labels) == len(chances) else {}
    return {**{name: row[name] for name in ("model", "adapter", "predicted", "confidence")}, "probabilities": named}


def _quarantine(home: Home, name: str, row: Row | None, notes: list[str]) -> str:
    if row is None or row["ts"] is None:
        return ""
    try:
        held = Quarantine(home).state(name).describe()
    except (RatchetError, OSError):
        notes.append("The quarantine cannot be read, so nothing here says whether the week is held.")
        return ""
    return held.get(str(monday_of(datetime.fromisoformat(row["ts"]).date())), "")
