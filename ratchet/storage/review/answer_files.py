"""Files in which people answer a batch elsewhere: plain rows (JSON lines, CSV) and Label Studio's tasks (JSON).

Cells of CSV begin no formula. Add here another form; what is taken of it is decided in
`ratchet/workflows/review/import_answers.py`.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ratchet.core.errors import RatchetError, UsageError
from ratchet.core.files import write_atomically
from ratchet.core.formulas import guard_formula
from ratchet.core.strict_json import parse_strictly
from ratchet.review.given_answer import GivenAnswer
from ratchet.review.item import BatchItem
from ratchet.review.label_studio.task_file import read_seconds, read_task, write_task

SUFFIXES = (".jsonl", ".csv", ".json")
MOST_BYTES = 64 * 1024 * 1024
_COLUMNS = ("request_id", "batch", "text", "label", "answer", "note", "annotator", "seconds")
SKIP = "skip"
"""Word in the column `answer` that leaves a request to another person."""
_TRUE = {"true", "1", "yes"}


def check_suffix(path: Path) -> str:
    """Return the ending of a file of answers; raises `UsageError` for another one."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        listed = ".jsonl (plain rows), .csv (plain rows) or .json (tasks of Label Studio)"
        raise UsageError(f"{path.name[:60]!r} has another ending.", f"Give one of {listed}.", code="bad_suffix")
    return suffix


def write_batch(path: Path, items: Sequence[BatchItem], predictions: Mapping[str, str] | None) -> None:
    """Write the requests of a batch for people to answer; with `predictions` the served labels stand beside them."""
    suffix = check_suffix(path)
    if suffix == ".json":
        content = json.dumps([write_task(item, predictions) for item in items], indent=1, ensure_ascii=False) + "\n"
    else:
        rows = [_row(item, predictions) for item in items]
        content = _as_csv(rows, predictions) if suffix == ".csv" else _as_lines(rows)
    write_atomically(path, content.encode("utf-8", "replace"), 0o660)


def read_answers(path: Path) -> list[GivenAnswer]:
    """Read a file of answers, row by row; a row that cannot be read says why.

    Raises `RatchetError` for a file that cannot be read at all.
    """
    suffix = check_suffix(path)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise _unreadable(path, f"is larger than {MOST_BYTES // 2**20} MB", "Split it.")
        content = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, f"cannot be read ({error.strerror})", "Give a file.") from None
    try:
        if suffix == ".csv":
            return list(_read_csv(content.decode("utf-8-sig")))
        if suffix == ".jsonl":
            return list(_read_lines(content.removeprefix(b"\xef\xbb\xbf")))
        document = parse_strictly(content.removeprefix(b"\xef\xbb\xbf"))
    except UnicodeDecodeError:
        raise _unreadable(path, "is not UTF-8", "Save it as UTF-8.") from None
    except (ValueError, RecursionError, csv.Error) as error:
        raise _unreadable(
            path, f"cannot be read: {error}", "Keep the names of the columns, and save it as CSV UTF-8."
        ) from None
    if not isinstance(document, list):
        raise _unreadable(path, "holds no list", "Give an export of Label Studio: a list of tasks.")
    return [each for number, value in enumerate(document, start=1) for each in _read_value(f"task {number}", value)]


def _row(item: BatchItem, predictions: Mapping[str, str] | None) -> dict[str, Any]:
    blank = dict.fromkeys(_COLUMNS, "") | {"request_id": item.request_id, "batch": item.batch, "text": item.text}
    shown = {} if predictions is None else {"prediction": predictions.get(item.request_id, "")}
    return {**blank, **shown}


def _as_lines(rows: Sequence[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _as_csv(rows: Sequence[Mapping[str, Any]], predictions: Mapping[str, str] | None) -> str:
    names = [*_COLUMNS, *([] if predictions is None else ["prediction"])]
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\r\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([guard_formula(str(row[name]).replace("\x00", "")) for name in names])
    return "\ufeff" + sink.getvalue()  # so that a spreadsheet reads it as UTF-8


def _read_csv(content: str) -> Iterator[GivenAnswer]:
    # spreadsheets of many countries save with `;` or tabs; the header, whose names hold neither, shows which
    header = content.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.DictReader(io.StringIO(content, newline=""), delimiter=delimiter, strict=False)
    if "request_id" not in (reader.fieldnames or ()):
        raise ValueError("it has no column request_id")
    for row in reader:
        cells = {name: _unguard(cell) for name, cell in row.items() if isinstance(name, str) and isinstance(cell, str)}
        yield _read_plain(f"line {reader.line_num}", cells)


def _read_lines(content: bytes) -> Iterator[GivenAnswer]:
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            value = parse_strictly(line)
        except (ValueError, RecursionError) as error:
            yield GivenAnswer(f"line {number}", "", problem=f"the line is not JSON: {error}"[:200])
            continue
        yield from _read_value(f"line {number}", value)


def _read_value(place: str, value: Any) -> Iterator[GivenAnswer]:
    if not isinstance(value, dict):
        yield GivenAnswer(place, "", problem="it is not an object")
    elif isinstance(value.get("data"), dict):
        yield from read_task(place, value)
    else:
        yield _read_plain(place, value)


def _read_plain(place: str, row: Mapping[str, Any]) -> GivenAnswer:
    """Read a plain row. An empty cell is none; the text beside it is not read."""
    texts = {name: row.get(name) for name in ("request_id", "label", "answer", "annotator", "note", "batch")}
    bad = [name for name, value in texts.items() if value is not None and not isinstance(value, str)]
    if bad:
        return GivenAnswer(place, "", problem=f"{bad[0]} is not a text")
    cells = {name: str(value or "").strip() for name, value in texts.items()}
    saw, skipped = row.get("saw_prediction"), cells["answer"] == SKIP
    seconds = read_seconds(row.get("seconds"))
    problem = "both a label and an answer" if cells["label"] and cells["answer"] else ""
    return GivenAnswer(
        place,
        cells["request_id"],
        cells["annotator"],
        cells["label"] or None,
        None if skipped else cells["answer"] or None,
        skipped,
        cells["note"],
        seconds,
        saw is True or str(saw).lower() in _TRUE,
        cells["batch"],
        problem,
    )


def _unguard(cell: str) -> str:
    """Return a cell without the apostrophe that `guard_formula` put in front."""
    return cell[1:] if cell.startswith("'") and guard_formula(cell[1:]) == cell else cell


def _unreadable(path: Path, what: str, hint: str) -> RatchetError:
    return RatchetError(f"{path} {what}.", hint, code="unreadable")
