"""Rules that reject a row, as SQL, and the reasons that users read, with their hints.

Add a rule here; no rule is ever a Python loop over rows. Rows that wait or are lost have their reasons here as well, so
that all counts use the same words. The columns that the rules read are `records.py`.
"""

import sys
from collections.abc import Mapping
from datetime import timedelta

from ratchet.core.blank_text import blank_sql
from ratchet.core.label_names import label_form
from ratchet.core.names import nearest
from ratchet.core.sql import literal
from ratchet.data.records import ANSWERS, CHOICES, MAX_NAME_CHARS, MAX_NOTE_CHARS, Column, RowKind, Terms
from ratchet.data.value_forms import TIME_HINTS, time_fault_sql

_UNKNOWN_LABEL = "label is not in classifier.toml"
_NO_NAME = "is neither text nor an integer"
_BYTES = "is bytes, not text in UTF-8"
_SOUND = {
    "confidence": "confidence BETWEEN 0 AND 1",
    **{name: f"{name} BETWEEN 0 AND {sys.float_info.max!r}" for name in ("latency_ms", "seconds")},
}
"""Tests that nearly every value passes; they come first."""
_HINTS = {
    **TIME_HINTS,
    f"request_id {_NO_NAME}": "Write whole numbers as integers; in pandas: frame.request_id.astype('Int64').",
    f"label {_NO_NAME}": "Write whole numbers as integers; in pandas: frame.label.astype('Int64').",
    **{
        f"{name} {_BYTES}": f"Write it as text; UUIDs in pandas: frame.{name}.map(lambda x: str(uuid.UUID(bytes=x)))."
        for name in ("request_id", "annotator")
    },
    f"label {_BYTES}": "Write it as text in UTF-8.",
}
ANSWER_SQL = f"CASE WHEN answer IN {ANSWERS} THEN answer END"
"""Value that is kept of the column `answer`."""
_ANSWER_RULES = [
    (
        f"label_seen AND coalesce(answer IN {ANSWERS}, false)",
        "label and answer contradict: give one of them",
    ),
    (f"NOT label_seen AND NOT coalesce(answer IN {ANSWERS}, false)", f"answer is not one of {', '.join(ANSWERS)}"),
]
WAITING = "no production log has this request_id yet; the row is tried again when more logs arrive"
AHEAD = "ts is in the future; the row waits until the clock has reached it"
WAIT_REASONS = (WAITING, AHEAD)
"""Reasons for which a row waits: it is landed and counted, and taken as soon as the reason has gone."""
UNLISTED = "annotator is not in [people] of classifier.toml; the correction waits until they are"
LOST = "no production log with this request_id came in time: the answer was not durable, and its row was lost"
LOST_AFTER = timedelta(days=14)
"""Time after which a correction without its production log counts as lost; it is still taken when the log comes."""
SPEC_REASONS = ("label is not in classifier.toml", "text is longer than")
"""Beginnings of reasons that go when `classifier.toml` takes more labels or longer texts."""


def reason_sql(kind: RowKind, terms: Terms) -> str:
    """Return a CASE expression with the first reason to reject a row, or NULL.

    It reads `broken` (the reader's own reason; '' for a line that is not a row), each column typed (NULL when the value
    does not fit), `<column>_seen` (the file has a value) and `<column>_given` (the value as it stands in the file, of
    any type). Values that a row may lack never cost it: `fault_sql`.
    """
    rules = [("broken IS NOT NULL", "broken")]
    for column in kind.columns:
        if column.required:
            absent = f"NOT {column.name}_seen" + (f" AND NOT {column.unless}_seen" if column.unless else "")
            rules.append((absent, literal(f"{column.name} is missing")))
            rules.append((f"{column.name} IS NULL AND {column.name}_seen", _type_fault(column)))
    if any(column.name == "answer" for column in kind.columns):
        rules += [(when, literal(reason)) for when, reason in _ANSWER_RULES]
    for column in kind.columns:
        if column.required:
            rules += [(when, literal(reason)) for when, reason in _value_rules(column.name, terms)]
    return "CASE " + " ".join(f"WHEN {when} THEN {then}" for when, then in rules) + " END"


def fault_sql(column: Column, terms: Terms) -> str:
    """Return a CASE expression with the reason to take a row without its value of an optional `column`, or NULL."""
    name = column.name
    if name == "answer":  # what is not an answer stands in a file's own column of that name, beside its labels
        return "NULL::VARCHAR"
    unfit = f"CASE WHEN {name}_seen AND {_as_written(name)} <> '' THEN {_type_fault(column)} END"
    rules = [(f"{name} IS NULL", unfit)]
    if sound := _SOUND.get(name):
        off = f"{name} {'is outside 0..1' if name == 'confidence' else 'is negative or not finite'}"
        rules = [(sound, "NULL"), *rules, (f"isnan({name})", _type_fault(column)), ("true", literal(off))]
    else:
        empty = f"{name} = ''"  # nothing, as a CSV writes it
        rules += [(when, literal(reason)) for when, reason in _value_rules(name, terms) if when != empty]
    return "CASE " + " ".join(f"WHEN {when} THEN {then}" for when, then in rules) + " END"


def hint_of(reason: str, terms: Terms, unknown_labels: Mapping[str, int]) -> str:
    """Return a hint for rows rejected for `reason`; '' where the reason is enough.

    `unknown_labels` are labels of the file that the classifier lacks, with the number of rows of each.
    """
    if reason == _UNKNOWN_LABEL:
        return "; ".join(
            f"{label[:60]!r} ({count} x) {nearest(label, terms.labels)}".strip()
            for label, count in unknown_labels.items()
        )
    if reason.startswith("text is longer than"):
        return "Cut the text, or raise max_text_chars in classifier.toml."
    return _HINTS.get(reason, "")


def _type_fault(column: Column) -> str:
    """Return SQL for the reason why a value that is there does not fit the type of `column`."""
    name = column.name
    if column.sql == "TIMESTAMPTZ":
        return time_fault_sql(_as_written(name))
    what = {"VARCHAR": _NO_NAME, "DOUBLE": "is not a number", "BOOLEAN": "is not true or false"}[column.sql]
    reason = literal(f"{name} {'is not text' if name == 'text' else what}")
    if what == _NO_NAME and name != "text":
        reason = f"CASE WHEN typeof({name}_given) = 'BLOB' THEN {literal(f'{name} {_BYTES}')} ELSE {reason} END"
    if not column.required:
        return reason
    return f"CASE WHEN {_as_written(name)} = 'NaN' THEN {literal(f'{name} is missing')} ELSE {reason} END"


def _as_written(name: str) -> str:
    """Return SQL for the text of a value, of JSON without its quotes; only rows with a fault pay for it."""
    return f"trim(CAST({name}_given AS VARCHAR), '\" ')"


def _value_rules(name: str, terms: Terms) -> list[tuple[str, str]]:
    if name == "chosen":
        return [(f"chosen <> '' AND chosen NOT IN {CHOICES}", f"chosen is not one of {', '.join(CHOICES)}")]
    if name == "note":
        return [
            (_longer("note", MAX_NOTE_CHARS), f"note is longer than {MAX_NOTE_CHARS} characters"),
            ("contains(note, chr(0))", "note holds a NUL character"),
        ]
    if name in {
        "request_id",
        "annotator",
        "adapter",
        "batch",
    }:  # annotators have further rules: ratchet/core/person_names.py
        return [
            (f"{name} = ''", f"{name} is empty"),
            (_longer(name, MAX_NAME_CHARS), f"{name} is longer than {MAX_NAME_CHARS} characters"),
            (rf"regexp_matches({name}, '[\x00-\x1f\x7f]')", f"{name} holds control characters"),
        ]
    if name == "text":
        return [
            (blank_sql("text"), "text is empty"),
            (_longer("text", terms.max_text_chars), f"text is longer than {terms.max_text_chars} characters"),
            ("contains(text, chr(0))", "text holds a NUL character"),
        ]
    if name == "label":
        known = dict.fromkeys(map(label_form, terms.labels))  # terms of before are in the form of their file
        return [(f"label NOT IN ({', '.join(map(literal, known))})", _UNKNOWN_LABEL)]
    return []


def _longer(name: str, most: int) -> str:
    """Return SQL that is true for over `most` characters; the byte count alone settles nearly every row."""
    return f"strlen({name}) > {most} AND length({name}) > {most}"
