"""Rows of doccano's exports for text classification: JSONL and CSV, which name neither annotator nor time."""

from collections.abc import Iterator, Mapping
from typing import Any

from ratchet.data.tool_exports.tool_rows import FieldNames, ToolLabel, as_list, as_mapping, value_of

_LABELS = ("label", "labels", "cats", "categories")


def is_doccano(row: Mapping[str, Any]) -> bool:
    """Return True for a row with a text and labels."""
    return ("text" in row or "data" in row) and ("annotations" in row or any(name in row for name in _LABELS))


def read_doccano(row: Mapping[str, Any], names: FieldNames) -> Iterator[ToolLabel]:
    """Yield the labels of a row as one; of older exports one for each annotator."""
    fields = {**as_mapping(row.get("metadata")), **as_mapping(row.get("meta")), **row}
    text, request = value_of(fields, names.text, "text", "data"), value_of(fields, names.request_id, "request_id")
    at, note = value_of(fields, names.ts, "ts", "updated_at"), _comment(value_of(row, "comments"))
    found = [as_mapping(each) for each in as_list(row.get("annotations"))]
    for each in found:
        yield ToolLabel(text, each.get("label"), request, each.get("user"), each.get("updated_at") or at, note=note)
    if not found:
        label = value_of(row, names.label, *_LABELS)
        person = value_of(fields, "annotator", "user", "username")
        reason = "" if label not in (None, "", []) else "has no label"
        yield ToolLabel(text, label, request, person, at, note=note, reason=reason)


def _comment(value: Any) -> str | None:
    texts = [each if isinstance(each, str) else as_mapping(each).get("text") for each in as_list(value)]
    return "\n".join(text for text in texts if isinstance(text, str)) or None
