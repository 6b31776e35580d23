"""Recent rows of the gateway, read back from its journals and its newest segments.

Add here other questions about rows that the gateway wrote itself; rows of the warehouse are
`ratchet/storage/warehouse.py`.
"""

from collections.abc import Mapping, Sequence
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
        result += reversed([{name: row[name] for name in columns} for row in read_journal(path)[0]])
    segments = sorted(landing.glob("gateway-*.parquet"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for path in segments[:MOST_SEGMENTS]:
        if len(result) >= most:
            break
        result += reversed(_read_segment(path, columns))
    return [_plain(row) for row in reversed(result[:most])]


def _read_segment(path: Path, columns: Sequence[str]) -> list[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows: list[dict[str, Any]] = pq.read_table(path, columns=list(columns)).to_pylist()
    except (pa.ArrowException, FileNotFoundError):  # ingest reports its fault
        return []
    return rows


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value for name, value in row.items()
    }
