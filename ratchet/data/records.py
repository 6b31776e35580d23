"""Rows of production logs, corrections and labelled examples: their columns and keys, and the terms that judge them.

Add a column here. `ratchet/ingest/` turns file formats into these columns, in the forms of `value_forms.py`; the rules
that reject a row are `row_rules.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from ratchet.config.spec import Spec
from ratchet.core.errors import UsageError
from ratchet.core.label_names import LABEL_SQL, label_form
from ratchet.core.names import nearest
from ratchet.core.sql import literal

MAX_NAME_CHARS = 200
"""Longest request id, annotator or adapter, in characters."""
MAX_NOTE_CHARS = 2_000
"""Longest note beside an answer, in characters."""


@dataclass(frozen=True)
class Column:
    """One column: its name, SQL type, whether a row needs it, and its meaning."""

    name: str
    sql: str
    required: bool
    meaning: str
    form: str = "{0}"
    """SQL that brings a value to the one form in which it is judged and kept."""
    unless: str = ""
    """Another column of the same row that stands in for a required value."""
    aside: bool = False
    """True for what the review queue writes beside an answer: two rows never contradict each other in it, and a file
    that calls another column so may map that one."""


@dataclass(frozen=True)
class RowKind:
    """One kind of row: its columns in table order, and the columns of its key."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in table order."""
        return tuple(column.name for column in self.columns)

    @property
    def content(self) -> tuple[str, ...]:
        """Columns in which two rows with equal keys can contradict each other."""
        return tuple(column.name for column in self.columns if column.name not in self.key and not column.aside)


ANSWERS = ("none", "cannot_tell", "withdrawn")
"""Answers that an annotator may give in place of a label."""
RANDOM, VALUE, CHECK, ADJUDICATION, EVIDENCE = "random", "value", "check", "adjudication", "evidence"
CHOICES = (RANDOM, VALUE, CHECK, ADJUDICATION, EVIDENCE)
"""Ways in which the review queue chooses a request: drawn by chance, for its value, again though it is agreed, to have
it decided, or for the comparison of a candidate with live.

What was chosen for its value trains and never judges; a check counts nowhere; an adjudication decides the request. What
was drawn for a comparison trains and judges that one alone: it is mostly requests on which two models differ.
"""

_REQUEST = Column(
    "request_id", "VARCHAR", True, f"name of the request, unique, 1 to {MAX_NAME_CHARS} printable characters"
)
_TIME = "RFC 3339 with a zone; a time to come waits"

KINDS: dict[str, RowKind] = {
    "production_logs": RowKind(
        "production_logs",
        (
            _REQUEST,
            Column("ts", "TIMESTAMPTZ", True, f"when it was served; {_TIME}"),
            Column("text", "VARCHAR", True, "what was classified"),
            Column("label", "VARCHAR", True, "label as served, one of classifier.toml", LABEL_SQL),
            Column("confidence", "DOUBLE", False, "0..1 or null"),
            Column("adapter", "VARCHAR", False, "which adapter answered"),
            Column("latency_ms", "DOUBLE", False, "milliseconds or null"),
        ),
        ("request_id",),
    ),
    "corrections": RowKind(
        "corrections",
        (
            _REQUEST,
            Column("ts", "TIMESTAMPTZ", True, f"when it was corrected; {_TIME}"),
            Column(
                "label",
                "VARCHAR",
                True,
                "label as corrected, one of classifier.toml; null with `answer`",
                LABEL_SQL,
                "answer",
            ),
            Column("annotator", "VARCHAR", True, f"who corrected, 1 to {MAX_NAME_CHARS} printable characters"),
            Column("saw_prediction", "BOOLEAN", True, "true when the annotator saw the served label"),
            Column(
                "answer",
                "VARCHAR",
                False,
                "instead of a label: none (no label fits), cannot_tell, or withdrawn (takes the person's earlier"
                " correction of the request back)",
            ),
            Column(
                "chosen",
                "VARCHAR",
                False,
                "how the review queue chose the request: random, value (trains, never judges), check (an agreed"
                " request asked again; counts nowhere), adjudication (decides it) or evidence (drawn to compare a"
                " candidate with live); null without a record of a choice",
                "lower(trim({0}))",
                aside=True,
            ),
            Column("batch", "VARCHAR", False, "batch of the review queue, or null", aside=True),
            Column("seconds", "DOUBLE", False, "seconds that the answer took, or null", aside=True),
            Column(
                "note", "VARCHAR", False, f"what the annotator noted, at most {MAX_NOTE_CHARS} characters", aside=True
            ),
        ),
        ("request_id", "annotator", "ts"),
    ),
    "labelled_examples": RowKind(
        "labelled_examples",
        (
            Column("text", "VARCHAR", True, "what was labelled; it belongs to no request"),
            Column("label", "VARCHAR", True, "its label, one of classifier.toml", LABEL_SQL),
            Column("ts", "TIMESTAMPTZ", False, "when it was labelled, or null; RFC 3339 with a zone", aside=True),
        ),
        ("text",),
    ),
}
"""Kinds of rows by name; further columns of a file are kept in `extra`, as the text of a JSON object."""
REQUEST_KINDS = ("production_logs", "corrections")
"""Kinds of rows about requests: a new classifier gets landing folders for them."""


@dataclass(frozen=True)
class Terms:
    """Terms by which rows are judged: the spec's labels and text limit, and the clock.

    They are recorded with each file, so that a rebuild judges alike.
    """

    labels: tuple[str, ...]
    max_text_chars: int
    now: datetime

    def widened(self, later: "Terms") -> "Terms":
        """Return terms that accept what these or `later` ones accept: what was taken once is never refused again."""
        labels = tuple(dict.fromkeys((*self.labels, *later.labels)))
        return Terms(labels, max(self.max_text_chars, later.max_text_chars), max(self.now, later.now))

    @classmethod
    def of(cls, spec: Spec, now: datetime | None = None) -> "Terms":
        """Return the terms of `spec` at `now` (aware; default: this instant)."""
        return cls(tuple(map(label_form, spec.labels)), spec.max_text_chars, (now or datetime.now(UTC)).astimezone(UTC))


def kind_of(name: str) -> RowKind:
    """Return the kind called `name`; raises `UsageError`."""
    if name not in KINDS:
        raise UsageError(f"unknown kind of rows {name!r}.", f"Use one of: {', '.join(KINDS)}.", code="bad_kind")
    return KINDS[name]


def check_mapping(kind: RowKind, columns: Mapping[str, str]) -> None:
    """Check a mapping `columns` of our column names to theirs.

    Raises `UsageError` for a name that `kind` does not have, and for a column of theirs that would be used twice.
    """
    for name in columns:
        if name not in kind.names:
            raise UsageError(
                f"{kind.name} has no column {name!r} to map to.",
                f"{nearest(name, kind.names)} Columns: {', '.join(kind.names)}; write --map ours=theirs.".strip(),
                code="bad_mapping",
            )
    users: dict[str, str] = {}
    taken = {theirs.lower() for theirs in columns.values()}
    for column in kind.columns:
        name = column.name
        if column.aside and name not in columns and name in taken:
            continue
        theirs = columns.get(name, name)
        other = users.setdefault(theirs.lower(), name)
        if other != name:
            raise UsageError(
                f"column {theirs!r} would be both {other!r} and {name!r}.",
                "Map each of the file's columns once.",
                code="bad_mapping",
            )


def differences_sql(kind: RowKind, a: str, b: str) -> str:
    """Return SQL for the columns in which rows `a` and `b` of one key contradict each other: `text, label`, or ''.

    Exports write one row in many ways: a value that one of them lacks does not count, times agree within a second, and
    numbers as far as 32 bits hold them. Further columns may change with every export (the day of it, a status).
    """
    parts = [f"CASE WHEN {_differ(column, a, b)} THEN {literal(column.name)} END" for column in _content(kind)]
    return f"array_to_string(list_filter([{', '.join(parts)}], lambda name: name IS NOT NULL), ', ')"


def same_content_sql(kind: RowKind, a: str, b: str, *, but: str = "") -> str:
    """Return SQL that is true where rows `a` and `b` of one key do not contradict each other, column `but` aside."""
    columns = [column for column in _content(kind) if column.name != but]
    return " AND ".join(f"NOT coalesce({_differ(column, a, b)}, false)" for column in columns)


def _content(kind: RowKind) -> list[Column]:
    return [column for column in kind.columns if column.name in kind.content]


def _differ(column: Column, a: str, b: str) -> str:
    one, other = f"{a}.{column.name}", f"{b}.{column.name}"
    if column.sql == "TIMESTAMPTZ":
        return f"abs(epoch_us({one}) - epoch_us({other})) >= 1000000"
    if column.sql == "DOUBLE":
        return f"abs({one} - {other}) > 1e-6 * greatest(1, abs({one}))"
    if column.name == "text":  # line ends are those of the program that wrote the file
        return f"{one} <> {other} AND replace({one}, chr(13), '') <> replace({other}, chr(13), '')"
    if column.unless or column.name == "answer":  # a label, and an answer in its place, contradict each other
        return f"{one} IS DISTINCT FROM {other}"
    return f"{one} <> {other}"
