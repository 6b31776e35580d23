"""Rows of Label Studio's exports: tasks as nested JSON, and JSON_MIN or CSV with a row for each annotation."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from ratchet.data.tool_exports.tool_rows import (
    FieldNames,
    ServedRequest,
    ToolLabel,
    as_list,
    as_mapping,
    value_of,
)

_OF_THE_TOOL = frozenset(
    {
        "id", "inner_id", "annotation_id", "annotator", "created_at", "updated_at", "lead_time", "agreement", "project",
        "meta", "predictions", "total_annotations", "cancelled_annotations", "total_predictions", "comment_count",
        "unresolved_comment_count", "last_comment_updated_at", "updated_by", "comment_authors", "file_upload",
    }
)  # fmt: skip
_USUAL = ("label", "choice", "sentiment", "class", "category")


def is_label_studio(row: Mapping[str, Any]) -> bool:
    """Return True for a task, or a row of JSON_MIN or CSV."""
    return ("data" in row and "annotations" in row) or ("annotation_id" in row and "annotator" in row)


def read_label_studio(row: Mapping[str, Any], names: FieldNames) -> Iterator[ServedRequest | ToolLabel]:
    """Yield what a task says of its request, and each of its annotations."""
    if "data" not in row or "annotations" not in row:
        yield _of_flat(row, names)
        return
    fields = {**as_mapping(row.get("meta")), **as_mapping(row["data"])}
    predictions = [each for each in as_list(row.get("predictions")) if isinstance(each, Mapping)]
    text, request = value_of(fields, names.text, "text"), value_of(fields, names.request_id, "request_id")
    served, served_at = _served(fields, predictions, names), value_of(fields, names.ts, "ts")
    if request is not None and served is not None and served_at is not None:
        yield ServedRequest(request, served_at, text, served, value_of(fields, "adapter"))
    found = [each for each in as_list(row["annotations"]) if isinstance(each, Mapping)]
    if not found:
        only = "only a draft, not submitted" if row.get("drafts") else "has no annotation"
        yield ToolLabel(text, request_id=request, reason=only)
    for each in found:
        label, reason = _choice(as_list(each.get("result")), names.label)
        if each.get("was_cancelled"):
            reason = "skipped by its annotator"
        shown = bool(predictions or each.get("prediction") or each.get("parent_prediction"))
        yield ToolLabel(
            text, label, request, _person(each.get("completed_by")), each.get("updated_at") or each.get("created_at"),
            True if shown else None, each.get("lead_time"), reason=reason,
        )  # fmt: skip


def _of_flat(row: Mapping[str, Any], names: FieldNames) -> ToolLabel:
    text, request = value_of(row, names.text, "text"), value_of(row, names.request_id, "request_id")
    taken = {names.text or "text", names.request_id or "request_id", names.ts or "ts"}
    others = [key for key in row if key not in _OF_THE_TOOL and key not in taken]
    usual = [key for key in _USUAL if key in others]
    name = names.label or next(iter(usual), "") or (others[0] if len(others) == 1 else "")
    if not name:
        listed = ", ".join(others[:5]) or "none"
        return ToolLabel(text, reason=f"no field is clearly the label ({listed}): name it with --map label=FIELD")
    label = _unwrapped(row.get(name))
    return ToolLabel(
        text, label, request, row.get("annotator"), row.get("updated_at") or row.get("created_at"),
        seconds=row.get("lead_time"), reason="" if label not in (None, "", []) else "its annotation holds no choice",
    )  # fmt: skip


def _choice(result: list[Any], name: str) -> tuple[Any, str]:
    """Return the choices of an annotation, or why there is not one control with choices."""
    controls: dict[str, Any] = {}
    for each in filter(lambda one: isinstance(one, Mapping), result):
        value = as_mapping(each.get("value"))
        if "choices" in value:
            controls.setdefault(str(each.get("from_name")), value["choices"])
    if name:
        controls = {key: value for key, value in controls.items() if key == name}
    if not controls:
        return None, "its annotation holds no choice"
    if len(controls) > 1:
        return None, f"it answers {', '.join(controls)}: name one with --map label=NAME"
    return next(iter(controls.values())), ""


def _served(fields: Mapping[str, Any], predictions: list[Mapping[str, Any]], names: FieldNames) -> Any:
    """Return the label that was served: of the task's data, else of its first prediction."""
    served = value_of(fields, "served", "served_label", "predicted", "label")
    if served is None and predictions:
        served, _ = _choice(as_list(predictions[0].get("result")), names.label)
    return served[0] if isinstance(served, list) and len(served) == 1 else served


def _unwrapped(value: Any) -> Any:
    """Return the label of a cell: CSV writes several choices as the text of a JSON object."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        with suppress(ValueError, RecursionError):
            value = json.loads(value)
    return value["choices"] if isinstance(value, Mapping) and "choices" in value else value


def _person(value: Any) -> Any:
    """Return who annotated: the mail address where the export has it, else the number of the user."""
    return value.get("email") or value.get("id") if isinstance(value, Mapping) else value
