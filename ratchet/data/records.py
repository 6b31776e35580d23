"""Rows of production logs and corrections: columns, keys and the rules that reject a row, all as SQL.

Add a column or a rule here. `ratchet/ingest/readers.py` turns file formats into these columns; no rule is ever a Python
loop over rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ratchet.config.spec import Spec
from ratchet.core.blank_text import blank_sql
from ratchet.core.errors import UsageError
from ratchet.core.names import nearest
from ratchet.core.sql import literal

MAX_NAME_CHARS = 200
"""Longest request id, annotator or adapter, in characters."""

_UNKNOWN_LABEL, _ZONELESS, _NO_TIME = (
    "label is not in classifier.toml",
    "ts has no time zone",
    "ts is not an RFC 3339 time",
)
_HINTS = {
    _ZONELESS: ("Write its time zone, as 2026-02-23T10:00:00Z or +01:00; in pandas: frame.ts.dt.tz_localize('UTC')."),
    _NO_TIME: (
        "Write it as 2026-02-23T10:00:00Z; seconds since 1970 in pandas: pd.to_datetime(frame.ts, unit='s', utc=True)."
    ),
}
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


@dataclass(frozen=True)
class Column:
    """One column: its name, SQL type, whether a row needs it, and its meaning."""

    name: str
    sql: str
    required: bool
    meaning: str
    digits: bool = False
    """True takes an integer as its digits, so that 7 in JSON or Parquet equals the 7 of a CSV."""


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
        return tuple(name for name in self.names if name not in self.key)


_REQUEST = Column(
    "request_id", "VARCHAR", True, f"name of the request, unique, 1 to {MAX_NAME_CHARS} printable characters", True
)
_TIME = "RFC 3339 with a zone; a time to come waits"

KINDS: dict[str, RowKind] = {
    "production_logs": RowKind(
        "production_logs",
        (
            _REQUEST,
            Column("ts", "TIMESTAMPTZ", True, f"when it was served; {_TIME}"),
            Column("text", "VARCHAR", True, "what was classified"),
            Column("label", "VARCHAR", True, "label as served, one of classifier.toml"),
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
            Column("label", "VARCHAR", True, "label as corrected, one of classifier.toml"),
            Column("annotator", "VARCHAR", True, f"who corrected, 1 to {MAX_NAME_CHARS} printable characters", True),
            Column("saw_prediction", "BOOLEAN", True, "true when the annotator saw the served label"),
        ),
        ("request_id", "annotator", "ts"),
    ),
}
"""Both kinds by name; further columns of a file are kept in `extra`, as the text of a JSON object."""


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
        return cls(spec.labels, spec.max_text_chars, (now or datetime.now(UTC)).astimezone(UTC))


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
    for name in kind.names:
        theirs = columns.get(name, name)
        other = users.setdefault(theirs.lower(), name)
        if other != name:
            raise UsageError(
                f"column {theirs!r} would be both {other!r} and {name!r}.",
                "Map each of the file's columns once.",
                code="bad_mapping",
            )


def reason_sql(kind: RowKind, terms: Terms) -> str:
    """Return a CASE expression with the first reason to reject a row, or NULL.

    It reads `broken` (the reader's own reason; '' for a line that is not a row), each column typed (NULL when the value
    does not fit), `<column>_seen` (the file has a value) and `ts_text` (the time as written).
    """
    rules = [("broken IS NOT NULL", "broken")]
    for column in kind.columns:
        if column.required:
            rules.append((f"NOT {column.name}_seen", literal(f"{column.name} is missing")))
        rules += [
            (f"{column.name} IS NULL AND {column.name}_seen AND {when}", literal(reason))
            for when, reason in _type_rules(column)
        ]
    for column in kind.columns:
        rules += [(when, literal(reason)) for when, reason in _value_rules(column.name, terms)]
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


def zoned_time_sql(text: str) -> str:
    """Return SQL for the instant written in `text` (RFC 3339 with a zone), else NULL."""
    form = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)"
    usual = f"{text}[11] = 'T' AND ends_with({text}, 'Z') AND strlen({text}) BETWEEN 20 AND 30"
    return f"CASE WHEN ({usual}) OR regexp_full_match({text}, '{form}') THEN TRY_CAST({text} AS TIMESTAMPTZ) END"


def same_content_sql(kind: RowKind, a: str, b: str) -> str:
    """Return SQL that is true where rows `a` and `b` of one key agree, whatever their order of extra keys."""
    columns = [f"{a}.{name} IS NOT DISTINCT FROM {b}.{name}" for name in kind.content]
    extra = f"({a}.extra IS NOT DISTINCT FROM {b}.extra OR {_entries(a)} = {_entries(b)})"
    return " AND ".join([*columns, extra])


def _entries(row: str) -> str:
    pairs = f"map_entries(from_json({row}.extra, '\"MAP(VARCHAR,VARCHAR)\"'))"
    return f"coalesce(list_sort(list_filter({pairs}, lambda pair: pair.value IS NOT NULL)), [])"


def _type_rules(column: Column) -> list[tuple[str, str]]:
    name = column.name
    if column.sql == "TIMESTAMPTZ":
        return [(f"TRY_CAST({name}_text AS TIMESTAMP) IS NOT NULL", _ZONELESS), ("true", _NO_TIME)]
    if column.digits:
        return [("true", f"{name} is neither text nor an integer")]
    return [
        ("true", f"{name} is not {({'VARCHAR': 'text', 'DOUBLE': 'a number', 'BOOLEAN': 'true or false'})[column.sql]}")
    ]


def _value_rules(name: str, terms: Terms) -> list[tuple[str, str]]:
    if name in {"request_id", "annotator", "adapter"}:  # annotators have further rules: ratchet/core/person_names.py
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
        return [(f"label NOT IN ({', '.join(map(literal, terms.labels))})", _UNKNOWN_LABEL)]
    if name == "confidence":
        return [("NOT confidence BETWEEN 0 AND 1", "confidence is outside 0..1")]
    if name == "latency_ms":
        return [("NOT (isfinite(latency_ms) AND latency_ms >= 0)", "latency_ms is negative or not finite")]
    return []


def _longer(name: str, most: int) -> str:
    """Return SQL that is true for over `most` characters; the byte count alone settles nearly every row."""
    return f"strlen({name}) > {most} AND length({name}) > {most}"
