"""`ratchet dropped`: rows of one week that do not train or judge, each with its reason.

Add here another place in which a row of a week can end; the reasons of a cycle are `ratchet/data/sift.py`, those of
intake `ratchet/data/row_rules.py`. Reads plain files: no warehouse is opened.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from ratchet.core.cycle import Cycle, monday_of
from ratchet.core.errors import RatchetError
from ratchet.core.formulas import guard_formula
from ratchet.data.row_rules import WAIT_REASONS
from ratchet.data.sift import REASONS
from ratchet.storage.home import Home
from ratchet.storage.review.rejected_rows import read_rejects

DROPPED, REJECTED, WAITING = "dropped", "rejected", "waiting"


@dataclass(frozen=True)
class DroppedRow:
    """One row: where it ended, and why. Never its text."""

    place: str
    """`dropped` by the cycle, `rejected` or `waiting` at intake."""
    request_id: str
    ts: str
    reason: str
    """Word of the cycle's reason, or the sentence of intake."""
    sentence: str
    kind: str = ""
    """Kind of the row, where intake refused it."""
    file: str = ""
    line: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return JSON types."""
        return asdict(self)


@dataclass(frozen=True)
class DroppedRows:
    """Rows of one week; `undated` counts rejected rows whose time cannot be read, so that no week owns them."""

    rows: tuple[DroppedRow, ...]
    undated: int
    ran: bool
    """True where a cycle of the week has split its rows."""

    def counts(self) -> list[dict[str, Any]]:
        """Return the number of rows for each place and reason, the most frequent first."""
        numbers = Counter((row.place, row.reason) for row in self.rows)
        sentences = {(row.place, row.reason): row.sentence for row in reversed(self.rows)}
        return [
            {"place": place, "reason": reason, "rows": number, "meaning": REASONS.get(reason, sentences[place, reason])}
            for (place, reason), number in sorted(numbers.items(), key=lambda each: (-each[1], each[0]))
        ]


def list_dropped(home: Home, cycle: Cycle) -> DroppedRows:
    """List the rows that the cycle of a week dropped, its look-back weeks included, and the week's rejected rows."""
    dropped, ran = _read_copy(home, cycle)
    rejects = [(row, _time_of(row["row"])) for row in read_rejects(home.rejected(cycle.classifier))]
    mine = [_rejected(row, ts) for row, ts in rejects if ts is not None and monday_of(ts.date()) == cycle.week]
    return DroppedRows((*dropped, *mine), sum(ts is None for _, ts in rejects), ran)


def csv_cell(value: object) -> str:
    """Return a cell that no spreadsheet takes for a formula, without control characters."""
    shown = "" if value is None else str(value)
    return guard_formula("".join(c if c.isprintable() else "?" for c in shown)) if isinstance(value, str) else shown


def _read_copy(home: Home, cycle: Cycle) -> tuple[list[DroppedRow], bool]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    copy = home.tables(cycle.classifier, "dropped") / f"{cycle.week}.parquet"
    try:
        rows = pq.read_table(copy, columns=["request_id", "ts", "reason", "detail"]).to_pylist()
    except FileNotFoundError:
        return [], False
    except (pa.ArrowException, OSError) as error:
        raise RatchetError(
            f"{copy} cannot be read ({str(error).splitlines()[0]}).",
            f"Run 'ratchet cycle {cycle.classifier} --week {cycle.week}' again: it writes the file anew.",
            code="bad_copy",
        ) from None
    return [_dropped(row) for row in _sorted(rows)], True


def _sorted(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(rows, key=lambda row: (row["reason"], str(row["ts"]), row["request_id"]))


def _dropped(row: Mapping[str, Any]) -> DroppedRow:
    ts = row["ts"].astimezone(UTC).isoformat() if row["ts"] else ""
    return DroppedRow(DROPPED, row["request_id"], ts, row["reason"], row["detail"] or REASONS.get(row["reason"], ""))


def _rejected(row: Mapping[str, Any], ts: datetime | None) -> DroppedRow:
    place = WAITING if row.get("reason") in WAIT_REASONS else REJECTED
    request_id, reason = str(row["row"].get("request_id") or ""), str(row.get("reason") or "")
    line = row.get("line") if isinstance(row.get("line"), int) else None
    shown = ts.astimezone(UTC).isoformat() if ts else ""
    return DroppedRow(place, request_id, shown, reason, reason, str(row["kind"]), str(row.get("file") or ""), line)


def _time_of(row: Mapping[str, Any]) -> datetime | None:
    """Return the time of a rejected row; None where it has none that can be read, or no zone."""
    try:
        ts = datetime.fromisoformat(str(row.get("ts")))
    except ValueError:
        return None
    return ts.astimezone(UTC) if ts.tzinfo else None
