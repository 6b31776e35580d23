"""Rows about one request in a home's plain files: journals, sealed segments, copies of cycles' tables, rejected rows.

Nothing here opens the warehouse, so a gateway may ask. Add here another file that names requests; what the rows mean is
`ratchet/workflows/review/why.py`.
"""

import json
import os
import re
from collections.abc import Collection, Mapping, Sequence
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
    rows = _find_journalled(journal, request_id)  # before the segments: a row leaves the journal once it is in one
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


def find_rejected(folder: Path, request_id: str, most_bytes: int) -> FoundRows:
    """Find a request in the reports on rejected and waiting rows: {kind, file, line, reason}.

    At most `most_bytes` are read, the newest reports first.
    """
    if not folder.is_dir():
        return FoundRows()
    reports = sorted(folder.glob("*.jsonl"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    words, rows, older = _spellings(request_id), list[Row](), 0
    for path in reports:
        most_bytes -= path.stat().st_size
        if most_bytes < 0:
            older += 1
            continue
        with path.open("rb") as lines:
            rows += [
                {"kind": path.name.partition(".")[0], **found}
                for line in lines
                if any(word in line for word in words) and (found := _read_reject(line, request_id))
            ]
    return FoundRows(tuple(rows), older)


def read_rejects(folder: Path) -> list[Row]:
    """Return every line of the reports on rejected and waiting rows: {kind, file, line, reason, row}."""
    result: list[Row] = []
    for path in sorted(folder.glob("*.jsonl")) if folder.is_dir() else []:
        with path.open("rb") as lines:
            for line in lines:
                try:
                    document = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if isinstance(document, dict):
                    row = {"kind": path.name.partition(".")[0], **document}
                    result.append({**row, "row": read_row(document.get("row"))})
    return result


def read_row(value: Any) -> Mapping[str, Any]:
    """Return a rejected row by its columns; empty for a line that could not be read at all."""
    try:
        row = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return {}
    return row if isinstance(row, dict) else {}


def _find_journalled(folder: Path, request_id: str) -> list[Row]:
    rows: list[Row] = []
    for path in reversed(left_behind(folder) if folder.is_dir() else []):
        try:
            rows += [row for row in reversed(read_journal(path)[0]) if row.get("request_id") == request_id]
        except FileNotFoundError:  # sealed at this moment: its segment is there
            continue
    return rows


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


def _spellings(request_id: str) -> set[bytes]:
    """Return the ways in which a report may hold an id: as it is, and within a text of JSON within JSON."""
    result = {request_id}
    for ascii_only in (False, True):
        once = json.dumps(request_id, ensure_ascii=ascii_only)[1:-1]
        result |= {once, json.dumps(once, ensure_ascii=ascii_only)[1:-1]}
    return {word.encode("utf-8", "surrogatepass") for word in result}


def _read_reject(line: bytes, request_id: str) -> Row | None:
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or read_row(document.get("row")).get("request_id") != request_id:
        return None
    return {name: document.get(name) for name in ("file", "line", "reason")}
