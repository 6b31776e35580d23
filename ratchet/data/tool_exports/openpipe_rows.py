"""Rows of OpenPipe's exports: entries of a dataset as chat messages, and logged requests with their output."""

from collections.abc import Iterator, Mapping
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
from ratchet.data.training_formats import read_example


def is_openpipe(row: Mapping[str, Any]) -> bool:
    """Return True for an entry of a dataset or a logged request."""
    return "messages" in row or "messages" in as_mapping(row.get("input"))


def read_openpipe(row: Mapping[str, Any], names: FieldNames) -> Iterator[ServedRequest | ToolLabel]:
    """Yield a logged request as it was served, and an entry of a dataset as a label without a request."""
    if "messages" in row:
        found = read_example({"messages": row["messages"]})
        yield ToolLabel(found.text or None, found.label or None, reason=found.reason)
        return
    output = as_mapping(row.get("output"))
    message = next((as_mapping(as_mapping(each).get("message")) for each in as_list(output.get("choices"))), None)
    if not message:
        yield ToolLabel(reason="the request failed: its output has no answer")
        return
    turn = [
        each for each in as_list(as_mapping(row["input"]).get("messages")) if as_mapping(each).get("role") != "system"
    ]
    found = read_example({"messages": [*turn, {"role": "assistant", "content": message.get("content")}]})
    tags = {**as_mapping(row.get("tags")), **as_mapping(row.get("metadata"))}
    request = value_of(tags, names.request_id, "request_id") or output.get("id")
    at = value_of({**row, **tags}, names.ts, "requestedAt", "ts") or instant_of_epoch(output.get("created"))
    if found.reason or request is None or at is None:
        yield ToolLabel(reason=found.reason or "the logged request has no id or no time")
        return
    yield ServedRequest(request, at, found.text, found.label, output.get("model"))
