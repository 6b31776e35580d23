"""Queue of what stops a cycle: requests that made a gate fail, that people disagree about, or whose class is thin.

Add here another gate whose rows people can put right. Rules on adjudication are `ratchet/gates/adjudication.py`; the
queue is `queue.py`. Only what nobody decided yet is queued, so that a cycle that runs again asks nothing twice.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ratchet.config.spec import Spec
from ratchet.core.cycle import Cycle
from ratchet.core.verdict import Verdict
from ratchet.data.redaction import redact
from ratchet.data.splitting import lookback_start
from ratchet.gates.trigger_scan import list_triggers
from ratchet.ingest.known_labels import known_labels
from ratchet.review.item import RANDOM, VALUE, QueuedRequest
from ratchet.review.reasons import BLOCKED, CONFLICT, THIN_CLASS
from ratchet.storage.home import Home
from ratchet.storage.reports import Reports
from ratchet.storage.warehouse import Warehouse
from ratchet.workflows.review.enqueue import enqueue, text_for_people

_MOST_THIN = 50
"""Requests that are queued for one thin class in one cycle."""
_ROWS_SQL = """
SELECT p.request_id, p.text, coalesce(v.drawn, true) AS drawn, coalesce(v.newest, p.ts) AS ts
FROM production_logs p LEFT JOIN (
    SELECT request_id, bool_or(coalesce(drawn, true)) AS drawn, max(ts) AS newest,
           bool_or(adjudicates IS NOT NULL) AS decided
    FROM votes WHERE classifier = $classifier GROUP BY request_id) v USING (request_id)
WHERE p.classifier = $classifier AND NOT coalesce(v.decided, false) AND p.request_id IN ({chosen})
ORDER BY p.request_id
"""
"""Requests that nobody decided yet, and the time of their newest answer."""
_MOST_SHOWN, _SHOWN_CHARS = 200, 500
"""Rows of a failed gate that its page shows, and characters of each text."""
_SHOWN_SQL = """
SELECT p.request_id, p.text, p.label AS served, coalesce(v.labels, []) AS labels
FROM production_logs p LEFT JOIN (
    SELECT request_id, list_sort(list(DISTINCT label)) AS labels
    FROM votes WHERE classifier = $classifier AND label IS NOT NULL GROUP BY request_id) v USING (request_id)
WHERE p.classifier = $classifier AND p.request_id IN ({chosen})
ORDER BY p.request_id LIMIT $most
"""
_DISAGREEMENTS_SQL = """
SELECT request_id FROM votes WHERE classifier = $classifier AND week = $of AND label IS NOT NULL
GROUP BY request_id HAVING count(DISTINCT label) > 1
   AND request_id IN (SELECT request_id FROM votes WHERE classifier = $classifier
                      AND coalesce(drawn, true))
"""
_LEFT_OUT_SQL = """
SELECT request_id FROM labels WHERE classifier = $classifier AND week BETWEEN $first AND $week AND status = 'left_out'
"""
_CONFLICTS_SQL = """
SELECT request_id FROM labels WHERE classifier = $classifier AND week BETWEEN $first AND $week AND status = 'adjudicate'
"""
_CONTRADICTING_SQL = """
SELECT item FROM predictions WHERE classifier = $classifier AND week = $week AND model = 'candidate'
AND split = 'test' AND label <> predicted AND (list_contains($labels, label) OR list_contains($answers, predicted))
"""
_UNKNOWN_SQL = """
SELECT request_id FROM votes
WHERE classifier = $classifier AND week = $week AND label IS NOT NULL AND NOT list_contains($labels, label)
"""
_NAMED_SQL = "SELECT unnest($items)"
_THIN_SQL = """
WITH near AS (
    SELECT p.label FROM read_logs p JOIN labels l USING (classifier, request_id)
    WHERE p.classifier = $classifier AND l.label = $label AND p.label <> $label GROUP BY p.label
)
SELECT request_id, text, false AS drawn, ts FROM read_logs p
WHERE classifier = $classifier AND ts >= $start AND (label = $label OR label IN (FROM near))
AND NOT EXISTS (FROM corrections c WHERE c.classifier = $classifier AND c.request_id = p.request_id)
ORDER BY label <> $label, confidence NULLS LAST, request_id LIMIT $most
"""
"""Requests without any answer: served with the label first, then with one that people turned into it."""

Found = tuple[str, Mapping[str, Any], str]
"""Query for request ids, its parameters, and the sentence about them, with `{these}` for "these 62 requests"."""


def queue_blocked(home: Home, warehouse: Warehouse, spec: Spec, cycle: Cycle, gate: str, verdict: Verdict) -> int:
    """Queue the requests that made `gate` fail, and those that people have to decide; return their number.

    They are durable on return; raises OSError where the queue cannot be written.
    """
    find = _FINDERS.get(gate)
    found = [*find(home, spec, cycle, verdict)] if find else []
    if verdict.outcome == "failed":
        _write_rows(home, warehouse, spec, cycle, gate, found)
    queued = 0
    for sql, more, sentence in found:
        queued += _queue(home, warehouse, spec, cycle, BLOCKED, sql, more, sentence)
    if gate == "label_agreement":
        window = {"first": lookback_start(cycle, spec.window).date(), "week": cycle.week}
        queued += _queue(home, warehouse, spec, cycle, BLOCKED, _LEFT_OUT_SQL, window, _ASKED_AGAIN)
        queued += _queue(home, warehouse, spec, cycle, CONFLICT, _CONFLICTS_SQL, window, "two people differ")
    return queued


def queue_thin_classes(
    home: Home, warehouse: Warehouse, spec: Spec, cycle: Cycle, counts: Mapping[str, int], now: datetime | None = None
) -> int:
    """Queue requests for each label of which `counts` has too few training examples; return their number."""
    at, least = min(now or datetime.now(UTC), cycle.end), spec.limits.min_examples_per_class
    items = []
    for label in (each for each in spec.labels if counts.get(each, 0) < least):
        params = {"classifier": cycle.classifier, "label": label, "most": _MOST_THIN}
        rows = warehouse.frame(_THIN_SQL, {**params, "start": lookback_start(cycle, spec.window)})
        detail = f"{label} has {counts.get(label, 0)} training examples of {least}"
        items += [_item(spec, THIN_CLASS, row, detail, at) for row in rows.to_dict("records")]
    return enqueue(home, cycle.classifier, items, writer="cycle") if items else 0


_ASKED_AGAIN = "its only label is by somebody who differs too often from what was adjudicated in that week"


def _queue(
    home: Home, warehouse: Warehouse, spec: Spec, cycle: Cycle, reason: str, sql: str, more: Mapping[str, Any],
    sentence: str,
) -> int:  # fmt: skip
    params = {"classifier": cycle.classifier, **more}
    rows = warehouse.frame(_ROWS_SQL.format(chosen=sql), params).to_dict("records")
    detail = sentence.format(these="this request" if len(rows) == 1 else f"these {len(rows)} requests")
    # Asked again from the newest answer on: an answer that comes later is enough, whenever this cycle runs again.
    items = [_item(spec, reason, row, detail, row["ts"].to_pydatetime() + timedelta(microseconds=1)) for row in rows]
    return enqueue(home, cycle.classifier, items, writer="cycle") if items else 0


def _write_rows(home: Home, warehouse: Warehouse, spec: Spec, cycle: Cycle, gate: str, found: Sequence[Found]) -> None:
    """Write the rows behind a failed gate beside the week's report, redacted, with every label that they were given."""
    rows: dict[str, dict[str, Any]] = {}
    for sql, more, _ in found:
        params = {"classifier": cycle.classifier, "most": _MOST_SHOWN, **more}
        for row in warehouse.frame(_SHOWN_SQL.format(chosen=sql), params).to_dict("records"):
            item = str(row["request_id"])
            rows[item] = {
                "request_id": item,
                "text": redact(row["text"] or "")[:_SHOWN_CHARS],
                "served": row["served"] if isinstance(row["served"], str) else None,
                "labels": [str(label) for label in row["labels"]],
            }
    Reports(home).write_blocked_rows(cycle, gate, [*rows.values()][:_MOST_SHOWN])


def _item(spec: Spec, reason: str, row: Mapping[Any, Any], detail: str, ts: datetime) -> QueuedRequest:
    chosen = RANDOM if row["drawn"] else VALUE
    return QueuedRequest(str(row["request_id"]), reason, ts, text_for_people(spec, row["text"]), chosen, detail=detail)


def _disagreements(home: Home, spec: Spec, cycle: Cycle, verdict: Verdict) -> Iterable[Found]:
    """Yield the disagreements of the own week and of earlier ones, where they fail."""
    weeks = {str(cycle.week): verdict.outcome}
    weeks |= {week: found["outcome"] for week, found in verdict.evidence.get("weeks", {}).items()}
    for week, outcome in weeks.items():
        if outcome == "failed":
            yield _DISAGREEMENTS_SQL, {"of": week}, f"{{these}} made label_agreement of {week} fail"


def _contradictions(home: Home, spec: Spec, cycle: Cycle, verdict: Verdict) -> Iterable[Found]:
    """Yield the requests of the contradicted classes, and of those that fell, whose label the candidate contradicts."""
    labels = [label for label, found in verdict.evidence.get("classes", {}).items() if found["contradicted"]]
    history = verdict.evidence.get("history", {})
    fallen = {way: [name for name, each in classes.items() if each["fallen"]] for way, classes in history.items()}
    labels += [name for name in fallen.get("label", []) if name not in labels]
    if verdict.outcome == "failed" and (labels or fallen.get("answer")):
        params = {"week": cycle.week, "labels": labels, "answers": fallen.get("answer", [])}
        yield _CONTRADICTING_SQL, params, f"{{these}} made golden_agreement of {cycle.week} fail"


def _leaks(home: Home, spec: Spec, cycle: Cycle, verdict: Verdict) -> Iterable[Found]:
    """Yield the training examples that the check names as like a held-out text."""
    items = [leak["train_item"] for leak in verdict.evidence.get("first", [])]
    if verdict.outcome == "failed" and items:
        yield _NAMED_SQL, {"items": items}, f"{{these}} made leakage of {cycle.week} fail"


def _unknown_labels(home: Home, spec: Spec, cycle: Cycle, verdict: Verdict) -> Iterable[Found]:
    """Yield the requests whose corrections have a label that is not known."""
    broken = [row for row in verdict.evidence.get("broken", []) if row["table"] == "corrections"]
    if any(row["column"] == "label" for row in broken):
        params = {"week": cycle.week, "labels": [*known_labels(home, spec)]}
        yield _UNKNOWN_SQL, params, f"{{these}} made row_quality of {cycle.week} fail"


def _triggers(home: Home, spec: Spec, cycle: Cycle, verdict: Verdict) -> Iterable[Found]:
    """Yield the training examples with a phrase that decides the answer by itself."""
    items = [item for phrase in list_triggers(verdict.evidence) for item in phrase["first"]]
    if verdict.outcome == "failed" and items:
        yield _NAMED_SQL, {"items": items}, f"{{these}} made trigger_scan of {cycle.week} fail"


_FINDERS: Mapping[str, Callable[[Home, Spec, Cycle, Verdict], Iterable[Found]]] = {
    "label_agreement": _disagreements,
    "golden_agreement": _contradictions,
    "leakage": _leaks,
    "row_quality": _unknown_labels,
    "trigger_scan": _triggers,
}
