"""Rows about one request in a home's plain files: journals, segments, the queue's logs, copies of cycles' tables.

Nothing here opens the warehouse, so a gateway may ask. Add here another file that names requests; rejected rows are
`rejected_rows.py`, what the rows mean is `ratchet/workflows/review/why.py`.
"""

import json
import os
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ratchet.storage.journal.segments import left_behind, read_journal
from ratchet.storage.review.event_log import read_line

Row = dict[str, Any]

_OWN_SEGMENT = re.compile(r"(gateway-[0-9a-f]{16}|\d{8,}-[0-9a-f]{16})\.parquet")
"""Names that only our own writers give: other files of a landing folder are read by intake alone, in its sandbox."""


@dataclass(frozen=True)
class FoundRows:
    """Rows about a request, and the number of files that were not looked at."""

    rows: tuple[Row, ...] = ()
    older: int = 0
    """Segments beyond the limit, older than those that were read."""
    foreign: int = 0
    """Files that others dropped, or that cannot be read."""


def find_landed(
    journal: Path, folder: Path, request_id: str, *, most: int, known: Collection[str] = (), one: bool = False
) -> FoundRows:
    """Find the rows of a request in a journal and in the newest `most` segments of its folder, the newest first.

    Files with a `known` name are left out: whoever asks has their rows already. `one` stops at the first row.
    """
    # before the segments: a row leaves the journal once it is in one
    rows = [row for row in _read_journals(journal) if row.get("request_id") == request_id]
    if rows and one:
        return FoundRows(tuple(rows[:1]))
    segments, foreign = _list_segments(folder, known)
    read = 0
    for path in segments[:most]:
        read += 1
        found = find_in_parquet(path, request_id)
        foreign += found is None
        rows += found or []
        if rows and one:
            return FoundRows(tuple(rows[:1]))
    return FoundRows(tuple(rows), len(segments) - read, foreign)


def find_answers(
    journal: Path, folder: Path, request_ids: Collection[str], *, most: int, stopped: Callable[[], bool] = lambda: False
) -> dict[str, Row]:
    """Return text and slot of requests, by id, from a journal and the newest `most` segments.

    Ends early once `stopped`. The slot is None in rows that did not come through a gateway.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    wanted = set(request_ids)
    found = {row["request_id"]: row for row in _read_journals(journal) if row.get("request_id") in wanted}
    for path in _list_segments(folder, ())[0][:most]:
        if stopped() or not (left := wanted - set(found)):
            break
        try:
            with pq.ParquetFile(path) as file:
                table = file.read(columns=["request_id", "text", *({"slot"} & set(file.schema_arrow.names))])
        except (pa.ArrowException, OSError):  # intake reports its fault
            continue
        rows = table.filter(pc.is_in(table["request_id"], pa.array(left, pa.string()))).to_pylist()
        found |= {row["request_id"]: row for row in rows}
    return {each: {name: row.get(name) for name in ("text", "slot")} for each, row in found.items()}


def find_in_parquet(path: Path, request_id: str, column: str = "request_id") -> list[Row] | None:
    """Return the rows of one of our own Parquet files whose `column` is the id; None for one that cannot be read."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    try:
        # one column first: most files hold no row of the request
        with pq.ParquetFile(path) as file:
            at = pc.indices_nonzero(pc.equal(file.read(columns=[column])[column], request_id))
            rows: list[Row] = file.read().take(at).to_pylist() if len(at) else []
    except (pa.ArrowException, OSError, KeyError):  # intake, or the next cycle, reports its fault
        return None
    return rows


def read_parquet(path: Path) -> list[Row] | None:
    """Return all rows of one of our own Parquet files; None for one that is not there or cannot be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows: list[Row] = pq.read_table(path).to_pylist()
    except (pa.ArrowException, OSError):  # the next cycle reports its fault
        return None
    return rows


def find_queued(logs: Sequence[Path], request_id: str, most_bytes: int) -> FoundRows:
    """Find the lines of the review queue's `logs` that queued a request, oldest first, without its text.

    At most `most_bytes` are read, the newest logs first.
    """
    word, rows, older = json.dumps(request_id, ensure_ascii=False).encode("utf-8", "surrogatepass"), list[Row](), 0
    for path in sorted(logs, key=lambda path: path.stat().st_mtime_ns, reverse=True):
        most_bytes -= path.stat().st_size
        if most_bytes < 0:
            older += 1
            continue
        with path.open("rb") as lines:
            place = 0
            for line in lines:
                # bytes first: of a million lines a few name the request
                event = read_line(path, place) if word in line else None
                if event and event.get("request_id") == request_id and event.get("event") == "queued":
                    rows.append({name: value for name, value in event.items() if name not in {"text", "event"}})
                place += len(line)
    return FoundRows(tuple(sorted(rows, key=lambda row: str(row.get("ts")))), older)


def find_copied(folder: Path, request_id: str, column: str = "request_id") -> dict[str, list[Row]]:
    """Return the rows of a request in the copies of one cycle table, by the week of the copy, oldest first."""
    copies = sorted(folder.glob("*-*-*.parquet")) if folder.is_dir() else []
    found = {path.stem: find_in_parquet(path, request_id, column) for path in copies}
    return {week: rows for week, rows in found.items() if rows}


def _read_journals(folder: Path) -> Iterator[Row]:
    """Yield the rows of all journals of a folder, the newest first."""
    for path in reversed(left_behind(folder) if folder.is_dir() else []):
        try:
            yield from reversed(read_journal(path)[0])
        except FileNotFoundError:  # sealed at this moment: its segment is there
            continue


def _list_segments(folder: Path, known: Collection[str]) -> tuple[list[Path], int]:
    """Return our own segments in a folder, the newest first, and the number of the other files."""
    times, foreign = dict[str, int](), 0
    if folder.is_dir():
        with os.scandir(folder) as listed:
            for each in listed:
                if each.name.startswith(".") or each.name in known:
                    continue
                if _OWN_SEGMENT.fullmatch(each.name) and each.is_file(follow_symlinks=False):
                    times[each.name] = each.stat(follow_symlinks=False).st_mtime_ns
                else:
                    foreign += 1
    return [folder / name for name in sorted(times, key=lambda name: (times[name], name), reverse=True)], foreign
