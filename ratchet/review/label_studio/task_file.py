"""Tasks of Label Studio in a file: as we write them, and as an export of any of its versions brings them back.

Add here what another version exports; a running server is spoken to by `api.py`.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from ratchet.review.given_answer import GivenAnswer
from ratchet.review.item import BatchItem
from ratchet.review.label_studio.form import IN_PLACE, LABEL, NOTE

_MEANINGS = {alias: found[0] for alias, found in IN_PLACE.items()} | {found[1]: found[0] for found in IN_PLACE.values()}
_MOST_SECONDS = 86_400.0


def write_task(item: BatchItem, predictions: Mapping[str, str] | None) -> dict[str, Any]:
    """Return the task of a request, with the served label as a prediction where there is one to show."""
    data = {"text": item.text, "request_id": item.request_id, "batch": item.batch}
    served = (predictions or {}).get(item.request_id)
    if served is None:
        return {"data": data}
    shown = {"from_name": LABEL, "to_name": "text", "type": "choices", "value": {"choices": [served]}}
    return {"data": data, "predictions": [{"model_version": "served", "result": [shown]}]}


def read_task(place: str, task: Mapping[str, Any]) -> Iterator[GivenAnswer]:
    """Read the annotations of a task; one that was shown a prediction says so."""
    data = task["data"]
    request_id, batch = str(data.get("request_id") or ""), str(data.get("batch") or "")
    found = task.get("annotations")
    annotations = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    if not annotations:
        yield GivenAnswer(place, request_id, batch=batch)
    for each in annotations:
        results = each.get("result") if isinstance(each.get("result"), list) else []
        choices = [choice for result in results or () for choice in _values(result, LABEL, "choices")]
        notes = [note for result in results or () for note in _values(result, NOTE, "text")]
        label, answer = (None, None) if len(choices) != 1 else _meaning(choices[0])
        skipped = each.get("was_cancelled") is True
        problem = "" if skipped or len(choices) < 2 else "several choices"
        yield GivenAnswer(
            place,
            request_id,
            _who(each.get("completed_by")),
            None if skipped else label,
            None if skipped else answer,
            skipped,
            "\n".join(notes),
            read_seconds(each.get("lead_time")),
            bool(task.get("predictions")),
            batch,
            problem,
        )


def _values(result: Any, name: str, kind: str) -> list[str]:
    if not isinstance(result, dict) or result.get("from_name") != name or not isinstance(result.get("value"), dict):
        return []
    value = result["value"].get(kind)
    listed = value if isinstance(value, list) else [value]
    return [each for each in listed if isinstance(each, str)]


def _meaning(choice: str) -> tuple[str | None, str | None]:
    return (None, _MEANINGS[choice]) if choice in _MEANINGS else (choice, None)


def _who(completed_by: Any) -> str:
    """Return the mail address of a user of Label Studio; a number alone names nobody here."""
    named = completed_by.get("email") if isinstance(completed_by, dict) else completed_by
    return named if isinstance(named, str) else ""


def read_seconds(value: Any) -> float | None:
    """Return the seconds that an answer took, None for a value that is not a time of up to a day."""
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return None
    return seconds if math.isfinite(seconds) and 0 <= seconds <= _MOST_SECONDS else None
