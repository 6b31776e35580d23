"""Rows about one request, from the warehouse where it can be opened, and from a home's plain files.

Add here another place that holds rows of requests; what they mean together is `why.py`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ratchet.core.errors import RatchetError
from ratchet.core.timeouts import STATUS_LOCK_S
from ratchet.data.records import REQUEST_KINDS
from ratchet.ingest.rebuild import open_built_warehouse
from ratchet.storage.home import Home
from ratchet.storage.review.event_log import list_logs
from ratchet.storage.review.rejected_rows import find_rejected, read_row
from ratchet.storage.review.request_files import FoundRows, Row, find_landed, find_queued

LOGS, CORRECTIONS = REQUEST_KINDS
GATEWAY_SEGMENTS, GATEWAY_BYTES = 1000, 100_000_000
"""Newest segments of each kind, and bytes of rejected rows and of the queue's logs, in which a gateway looks."""
_EVERYTHING = 1 << 62


@dataclass
class RequestRows:
    """Rows about one request; times as RFC 3339 in UTC, columns of `extra` beside the others."""

    requests: list[Row] = field(default_factory=list)
    corrections: list[Row] = field(default_factory=list)
    """Corrections in the order in which they arrived."""
    feedback: list[Row] = field(default_factory=list)
    compared: list[Row] = field(default_factory=list)
    contradictions: list[Row] = field(default_factory=list)
    queued: list[Row] = field(default_factory=list)
    waiting: list[Row] = field(default_factory=list)
    rejected: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def find_everywhere(home: Home, name: str, request_id: str) -> RequestRows:
    """Find rows in the warehouse, and in the files that it has not taken; a note where it cannot be opened."""
    found, known = RequestRows(), dict[str, set[str]]()
    try:
        if home.warehouse(name).exists():
            known = _read_warehouse(home, name, request_id, found)
    except RatchetError as error:
        found.notes.append(error.message)
    read = _read_files(home, name, request_id, found, known, _EVERYTHING, _EVERYTHING)
    if waiting := sum(read[kind].foreign for kind in REQUEST_KINDS):
        found.notes.append(
            f"{waiting} files in the landing folders are in no warehouse that can be read now:"
            f" 'ratchet ingest {name}' takes them, or rebuilds it."
        )
    return found


def find_in_files(home: Home, name: str, request_id: str) -> RequestRows:
    """Find rows in plain files alone, the newest ones, for a process that may not open the warehouse."""
    found = RequestRows()
    read = _read_files(home, name, request_id, found, {}, GATEWAY_SEGMENTS, GATEWAY_BYTES)
    older, foreign = (
        sum(each.older for each in read.values()),
        sum(read[kind].foreign for kind in REQUEST_KINDS),
    )
    if older or foreign:
        found.notes.append(
            f"{older} older files and {foreign} that others dropped into the landing folders were not looked at:"
            " 'ratchet why' on the machine looks at all that was taken."
        )
    return found


def _read_warehouse(home: Home, name: str, request_id: str, found: RequestRows) -> dict[str, set[str]]:
    """Add the rows of the warehouse; return the names of the files that it has taken, by kind."""
    key = [name, request_id]
    with open_built_warehouse(home, name, STATUS_LOCK_S).connect() as connection:

        def select(sql: str, params: list[str]) -> list[Row]:
            result = connection.execute(sql, params)
            columns = [each[0] for each in result.description]
            return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]

        of = "* REPLACE (epoch_us(ts) AS ts) FROM {} WHERE classifier = ? AND request_id = ?"
        found.requests += map(_plain, select(f"SELECT {of.format(LOGS)}", key))
        arrived = "ORDER BY arrived NULLS FIRST, ts"
        found.corrections += map(_plain, select(f"SELECT {of.format(CORRECTIONS)} {arrived}", key))
        found.waiting += select(
            "SELECT DISTINCT kind, file, reason FROM waiting WHERE classifier = ? AND request_id = ?", key
        )
        done = select("SELECT DISTINCT kind, file FROM ingested_files WHERE classifier = ?", [name])
    return {kind: {str(row["file"]) for row in done if row["kind"] == kind} for kind in REQUEST_KINDS}


def _read_files(
    home: Home,
    name: str,
    request_id: str,
    found: RequestRows,
    known: Mapping[str, Collection[str]],
    most: int,
    most_bytes: int,
) -> dict[str, FoundRows]:
    """Add the rows of plain files; return what each place held and was not read."""
    one = {
        kind: find_landed(
            home.journal(name, kind),
            folder,
            request_id,
            most=most,
            known=known.get(kind, ()),
            one=kind == LOGS,
        )
        for kind, folder in {
            **{kind: home.landing(name, kind) for kind in REQUEST_KINDS},
            "feedback": home.feedback(name),
            "pairs": home.pairs(name),
            "conflicts": home.rejected(name),
        }.items()
    }
    found.requests += [_plain(row) for row in one[LOGS].rows]
    found.corrections += _new(found.corrections, [_plain(row) for row in reversed(one[CORRECTIONS].rows)])
    found.feedback += _new([], [_plain(row) for row in reversed(one["feedback"].rows)])
    found.compared += _new([], [_plain(row) for row in reversed(one["pairs"].rows)])
    found.contradictions += _new([], [_plain(row) for row in reversed(one["conflicts"].rows)])
    queued = find_queued(list_logs(home, name), request_id, most_bytes)
    found.queued += queued.rows
    rejected = find_rejected(home.rejected(name), request_id, most_bytes)
    waits = {(row["kind"], row["reason"]) for row in found.waiting}
    found.rejected += [row for row in rejected.rows if (row["kind"], row["reason"]) not in waits]
    return {**one, "rejected": rejected, "queued": queued}


def _new(before: list[Row], rows: list[Row]) -> list[Row]:
    """Return the rows that are not there yet: one row may stand in a journal, in a segment and in the warehouse."""
    seen, result = {_identity(row) for row in before}, []
    for row in rows:
        if (identity := _identity(row)) not in seen:
            seen.add(identity)
            result.append(row)
    return result


def _identity(row: Row) -> tuple[Any, ...]:
    names = ("ts", "annotator", "label", "answer", "saw_prediction", "source", "verdict", "served", "other", "said")
    return tuple(row.get(name) for name in names)


def _plain(row: Mapping[str, Any]) -> Row:
    """Return a row with the columns of `extra` beside the others, and its time as text."""
    extra = read_row(row.get("extra"))
    merged = {**extra, **{name: value for name, value in row.items() if name not in {"extra", "nulled", "classifier"}}}
    ts = merged.get("ts")
    if isinstance(ts, int):
        ts = datetime.fromtimestamp(ts / 1_000_000, UTC)
    elif isinstance(ts, str):
        ts = datetime.fromisoformat(ts)
    return {**merged, "ts": ts.astimezone(UTC).isoformat() if isinstance(ts, datetime) else None}
