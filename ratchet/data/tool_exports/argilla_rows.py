"""Rows of Argilla's exports: records of version 2, nested or flat, and of version 1 (Rubrix)."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from ratchet.data.tool_exports.tool_rows import FieldNames, ToolLabel, as_list, as_mapping, value_of

_NOT_SUBMITTED = {"draft": "a draft, not submitted", "discarded": "discarded by its annotator"}


def is_argilla(row: Mapping[str, Any]) -> bool:
    """Return True for a record of any version."""
    flat = any(str(key).endswith(".responses") for key in row)
    return ("fields" in row and ("responses" in row or "suggestions" in row)) or flat or "annotation_agent" in row


def read_argilla(row: Mapping[str, Any], names: FieldNames) -> Iterator[ToolLabel]:
    """Yield the response of each annotator."""
    if "annotation_agent" in row:
        yield _of_version_1(row, names)
        return
    nested = "fields" in row
    fields = {**row, **as_mapping(row.get("metadata")), **as_mapping(row.get("fields"))}
    text, request = value_of(fields, names.text, "text"), value_of(fields, names.request_id, "request_id")
    answers, shown = _nested(row) if nested else _flat(row)
    questions = list(dict.fromkeys(question for question, _ in answers))
    if names.label:
        answers = [(question, each) for question, each in answers if question == names.label]
    elif len(questions) > 1:
        listed = ", ".join(questions)
        yield ToolLabel(text, request_id=request, reason=f"it answers {listed}: name one with --map label=NAME")
        return
    if not answers:
        yield ToolLabel(text, request_id=request, reason="has no response")
    for question, each in answers:
        status = str(each.get("status") or "submitted").casefold()
        at = each.get("updated_at") or each.get("inserted_at") or value_of(fields, names.ts, "ts", "updated_at")
        yield ToolLabel(
            text, each.get("value"), request, each.get("user_id"), at, True if question in shown else None,
            reason=_NOT_SUBMITTED.get(status, "" if each.get("value") not in (None, "") else "has no response"),
        )  # fmt: skip


def _nested(row: Mapping[str, Any]) -> tuple[list[tuple[str, Mapping[str, Any]]], set[str]]:
    """Return the responses by question, and the questions for which a suggestion was shown."""
    responses, suggestions = row.get("responses"), row.get("suggestions")
    answers: list[tuple[str, Mapping[str, Any]]] = []
    if isinstance(responses, Mapping):
        answers = [(str(q), each) for q, part in responses.items() for each in as_list(part)]
    for each in as_list(responses):
        for question, value in as_mapping(as_mapping(each).get("values")).items():
            answers.append((str(question), {**each, **as_mapping(value)}))
        if as_mapping(each) and not as_mapping(each).get("values"):
            answers.append(("", each))  # discarded without a value
    shown = {str(q) for q, each in as_mapping(suggestions).items() if as_mapping(each).get("value") is not None}
    shown |= {str(as_mapping(each).get("question_name") or answers[0][0]) for each in as_list(suggestions) if answers}
    return [(question, each) for question, each in answers if isinstance(each, Mapping)], shown


def _flat(row: Mapping[str, Any]) -> tuple[list[tuple[str, Mapping[str, Any]]], set[str]]:
    answers: list[tuple[str, Mapping[str, Any]]] = []
    for key in [str(each) for each in row if str(each).endswith(".responses")]:
        values, users, states = (_listed(row.get(name)) for name in (key, f"{key}.users", f"{key}.status"))
        for number, value in enumerate(values):
            person = users[number] if number < len(users) else None
            state = states[number] if number < len(states) else None
            answers.append((key.removesuffix(".responses"), {"value": value, "user_id": person, "status": state}))
    shown = {
        str(key).removesuffix(".suggestion")
        for key, value in row.items()
        if str(key).endswith(".suggestion") and value not in (None, "")
    }
    return answers, shown


def _listed(value: Any) -> list[Any]:
    """Return the values of a cell, which a table may hold as the text of a list."""
    if isinstance(value, str):
        with suppress(ValueError, RecursionError):
            value = json.loads(value)
    return value if isinstance(value, list) else [] if value in (None, "") else [value]


def _of_version_1(row: Mapping[str, Any], names: FieldNames) -> ToolLabel:
    fields = {**as_mapping(row.get("metadata")), **as_mapping(row.get("inputs")), **row}
    status = str(row.get("status") or "").casefold()
    reason = {"discarded": "discarded by its annotator", "default": "has no response"}.get(status, "")
    return ToolLabel(
        value_of(fields, names.text, "text"), row.get("annotation"), value_of(fields, names.request_id, "request_id"),
        row.get("annotation_agent"), value_of(fields, names.ts, "event_timestamp"),
        True if row.get("prediction") else None,
        reason=reason or ("" if row.get("annotation") not in (None, "", []) else "has no response"),
    )  # fmt: skip
