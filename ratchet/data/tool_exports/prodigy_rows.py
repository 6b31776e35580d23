"""Rows of Prodigy's `db-out`: one JSON object for each answer, of choices or of a question about one label."""

from collections.abc import Iterator, Mapping
from typing import Any

from ratchet.data.tool_exports.tool_rows import FieldNames, ToolLabel, as_list, as_mapping, instant_of_epoch, value_of

_ANSWERS = ("accept", "reject", "ignore")


def is_prodigy(row: Mapping[str, Any]) -> bool:
    """Return True for a row with Prodigy's answer."""
    return row.get("answer") in _ANSWERS and any(str(key).startswith("_") for key in row)


def read_prodigy(row: Mapping[str, Any], names: FieldNames) -> Iterator[ToolLabel]:
    """Yield the one answer of a row. A rejected label says which one a text has not, so it is none."""
    meta = as_mapping(row.get("meta"))
    fields, choices = {**meta, **row}, as_list(row.get("accept"))
    label = choices if "accept" in row else value_of(row, names.label, "label")
    scored = (
        "score" in row or "score" in meta or any("score" in as_mapping(each) for each in as_list(row.get("options")))
    )
    answer, reason = row.get("answer"), ""
    if answer == "ignore":
        reason = "ignored by its annotator"
    elif answer == "reject":
        reason = "rejected by its annotator, who gave no other label"
    elif label in (None, "", []):
        reason = "no label was chosen"
    yield ToolLabel(
        value_of(fields, names.text, "text"), label, value_of(fields, names.request_id, "request_id"),
        value_of(row, "_annotator_id", "_session_id"), instant_of_epoch(row.get("_timestamp")),
        True if scored else None, reason=reason,
    )  # fmt: skip
