"""Rows of TensorZero's tables, as ClickHouse or its gateway exports them: inferences and feedback."""

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from ratchet.data.tool_exports.tool_rows import (
    FieldNames,
    ServedRequest,
    ToolLabel,
    as_list,
    as_mapping,
    instant_of_epoch,
    value_of,
)

_UUID7 = 7


def is_tensorzero(row: Mapping[str, Any]) -> bool:
    """Return True for an inference, or feedback on one."""
    return ("function_name" in row and "input" in row) or (
        "value" in row and ("inference_id" in row or "target_id" in row)
    )


def read_tensorzero(row: Mapping[str, Any], names: FieldNames) -> Iterator[ServedRequest | ToolLabel]:
    """Yield an inference as a served request, and a demonstration as a label of its request.

    Metrics and comments are feedback, which never becomes a label. Times are those of the ids, which hold them in UTC.
    """
    tags = as_mapping(_parsed(row.get("tags")))
    if "input" in row:
        request = row.get("id") or row.get("inference_id")
        text = _last_text(_parsed(row["input"]))
        label = _answer(_parsed(row.get("output")), names.label)
        if row.get("dispreferred_outputs"):  # the output is the demonstration that a person gave
            yield ToolLabel(text, label, request, value_of(tags, "annotator"), _instant(request))
            return
        at = _instant(request) or row.get("timestamp")
        served = value_of(tags, names.request_id) or request
        yield ServedRequest(served, at, text, label, row.get("variant_name"), row.get("processing_time_ms"))
        return
    if "inference_id" not in row or row.get("metric_name"):
        what = f"the metric {row['metric_name']}" if row.get("metric_name") else "a comment"
        yield ToolLabel(request_id=row.get("target_id"), reason=f"{what} is feedback, not a label")
        return
    label = _answer(_parsed(row["value"]), names.label)
    at = _instant(row.get("id")) or row.get("timestamp")
    annotator = value_of(tags, "annotator", "user", "user_id")
    yield ToolLabel(
        None, label, row["inference_id"], annotator, at,
        reason="" if annotator is not None else "the demonstration names no annotator (tags: annotator, user, user_id)",
    )  # fmt: skip


def _parsed(value: Any) -> Any:
    """Return a column that holds JSON as text."""
    if isinstance(value, str):
        with suppress(ValueError, RecursionError):
            return json.loads(value)
    return value


def _last_text(given: Any) -> str | None:
    """Return the text of the newest message of the user."""
    users = [each for each in as_list(as_mapping(given).get("messages")) if as_mapping(each).get("role") == "user"]
    content = users[-1].get("content") if users else None
    if isinstance(content, str):
        return content
    texts = [_block(block) for block in as_list(content)]
    return "\n".join(text for text in texts if text) or None


def _block(block: Any) -> str | None:
    found = as_mapping(block)
    arguments = [each for each in as_mapping(found.get("arguments")).values() if isinstance(each, str)]
    text = value_of(found, "text", "value")
    return text if isinstance(text, str) else arguments[0] if len(arguments) == 1 else None


def _answer(output: Any, name: str) -> Any:
    """Return the label in an output: the text of its block, or the one value of its object."""
    if isinstance(output, list):
        texts = [_block(block) for block in output]
        return texts[0].strip() if len(texts) == 1 and texts[0] else None
    found = as_mapping(output)
    parsed = as_mapping(found.get("parsed") or _parsed(found.get("raw")) or found)
    one = next(iter(parsed.values())) if len(parsed) == 1 else None
    return output.strip() if isinstance(output, str) else value_of(parsed, name, "label") or one


def _instant(name: Any) -> str | None:
    """Return the time in a UUID of version 7; None for any other id."""
    with suppress(ValueError, TypeError, AttributeError):
        found = uuid.UUID(str(name))
        if found.version == _UUID7:
            return instant_of_epoch((found.int >> 80) / 1000)
    return None
