"""Rows of the reports on rejected and waiting rows, read back: all of them, or those of one request.

Add here another question about rejected rows; the reports are written by `ratchet/ingest/rejects.py`.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ratchet.storage.review.request_files import FoundRows, Row


def count_reports(folder: Path) -> int:
    """Return the number of files with a report on rejected or waiting rows."""
    return sum(1 for _ in folder.glob("[!.]*.jsonl")) if folder.is_dir() else 0


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
