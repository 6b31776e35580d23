"""State of each correction of a request: whether it counts, and if not, the reason.

Add here another reason why a correction does not count; which one of a person's does is `ratchet/data/consensus.py`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from ratchet.config.people import People, find_person
from ratchet.data.label_rules import LabelRules
from ratchet.review.item import CHECK
from ratchet.review.request_history import Row
from ratchet.review.suspension import names_of

COUNTS, REPLACED = "counts", "replaced by a later answer of the same person"
UNLISTED = "does not count: the annotator is not in [people]"
SUSPENDED = "does not count: the person is suspended"
CHECKED = "never counts: a check on a request that was agreed already"
_COLUMNS = ("ts", "label", "answer", "annotator", "saw_prediction", "chosen", "batch", "seconds", "note")


def describe_corrections(
    rows: Sequence[Row],
    people: People,
    suspended: Collection[str],
    left_out: Mapping[str, Row],
    rules: LabelRules,
) -> tuple[Row, ...]:
    """Return every correction of `rows`, which are in the order of arrival, with its person and its state.

    `left_out` holds the annotators whose labels of the week do not count. `label_now` is the label that a recorded rule
    makes of an earlier one, None where it stands for itself.
    """
    result, later = list[Row](), set[str]()
    for row in reversed(rows):
        person = find_person(people, row["annotator"])
        state = _state(row, person, people, suspended, left_out, later)
        if state == COUNTS and person is not None:
            later.add(person)
        result.append({
            **{column: row.get(column) for column in _COLUMNS}, "person": person or row["annotator"],
            "blind": not row["saw_prediction"], "state": state, "label_now": _reading(row, rules),
        })  # fmt: skip
    return tuple(reversed(result))


def _state(
    row: Row,
    person: str | None,
    people: People,
    suspended: Iterable[str],
    left_out: Mapping[str, Row],
    later: Collection[str],
) -> str:
    if row.get("chosen") == CHECK:
        return CHECKED
    if person is None:
        return UNLISTED
    if names_of(person, suspended, people):
        return SUSPENDED
    if person in later:
        return REPLACED
    if person in left_out:
        found = left_out[person]
        right = f"right on {found['right']} of {found['measured']} decided requests"
        return f"left out with the person's other labels of the week: {right}"
    return COUNTS


def _reading(row: Row, rules: LabelRules) -> str | None:
    if row.get("label") is None:
        return None
    reading = rules.read(row["label"], datetime.fromisoformat(row["ts"]) if row.get("ts") else None)
    shown = reading.label if reading.parts else "no label: it is retired"
    return shown if shown != row["label"] else None
