"""Recent rows of the gateway, read back from its journals and its newest segments.

Add here other questions about rows that the gateway wrote itself; rows of the warehouse are
`ratchet/storage/warehouse.py`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ratchet.storage.journal.segments import left_behind, read_journal

MOST_SEGMENTS = 1000


def read_landed(journal: Path, landing: Path, columns: Sequence[str], most: int) -> list[dict[str, Any]]:
    """Read the newest rows, at most `most` and those of 1,000 segments, oldest first; times as RFC 3339 in UTC.

    Some rows may come twice. Raises OSError for a folder that cannot be read; a segment that is not valid Parquet is
    left out.
    """
    result: list[dict[str, Any]] = []
    for path in reversed(left_behind(journal) if journal.is_dir() else []):
        result += reversed([{name: row.get(name) for name in columns} for row in read_journal(path)[0]])
    segments = sorted(landing.glob("gateway-*.parquet"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for path in segments[:MOST_SEGMENTS]:
        if len(result) >= most:
            break
        result += reversed(read_segment_rows(path, columns))
    return [plain_row(row) for row in reversed(result[:most])]


def count_landed(journal: Path, landing: Path, column: str, since: datetime) -> Counter[str]:
    """Count the gateway's rows of files that changed since `since` (aware), by the value of `column`.

    A file holds the rows of at most a minute, and its time is the gateway's own: the rows' times are their senders'.
    """
    result: Counter[str] = Counter()
    for path in left_behind(journal) if journal.is_dir() else []:
        result.update(str(row[column]) for row in read_journal(path)[0])
    for path in landing.glob("gateway-*.parquet"):
        if path.stat().st_mtime >= since.timestamp():
            result.update(str(row[column]) for row in read_segment_rows(path, [column]))
    return result


def count_rows(journal: Path, landing: Path, since: datetime) -> int:
    """Count the gateway's rows of files that changed since `since` (aware), by the files' own figures."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    result = sum(len(read_journal(path)[0]) for path in (left_behind(journal) if journal.is_dir() else []))
    for path in landing.glob("gateway-*.parquet"):
        with suppress(pa.ArrowException, OSError):  # ingest reports its fault
            if path.stat().st_mtime >= since.timestamp():
                result += pq.read_metadata(path).num_rows
    return result


def read_segment_rows(path: Path, columns: Sequence[str]) -> list[dict[str, Any]]:
    """Return these columns of a segment's rows; a column that it lacks is None, a damaged segment has no rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        there = set(pq.read_schema(path).names) & set(columns)  # a segment of an earlier version may lack a column
        rows: list[dict[str, Any]] = pq.read_table(path, columns=sorted(there)).to_pylist()
    except (pa.ArrowException, FileNotFoundError):  # ingest reports its fault
        return []
    return [{name: row.get(name) for name in columns} for row in rows]


def plain_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with its times as RFC 3339 in UTC, as the journal holds them."""
    return {
        name: value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value for name, value in row.items()
    }
