"""Files in which people answer a batch elsewhere: plain rows (JSON lines, CSV) and Label Studio's tasks (JSON).

Cells of CSV begin no formula. Add here another form; what is taken of it is decided in
`ratchet/workflows/review/import_answers.py`.
"""

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ratchet.core.errors import RatchetError, UsageError
from ratchet.core.files import write_atomically
from ratchet.core.formulas import guard_formula
from ratchet.core.strict_json import parse_strictly
from ratchet.review.given_answer import GivenAnswer
from ratchet.review.item import BatchItem
from ratchet.review.label_studio.form import IN_PLACE, LABEL, NOTE

SUFFIXES = (".jsonl", ".csv", ".json")
MOST_BYTES = 64 * 1024 * 1024
_COLUMNS = ("request_id", "batch", "text", "label", "answer", "note", "annotator", "seconds")
_IN_PLACE = {alias: answer for alias, (answer, _) in IN_PLACE.items()} | {words: a for a, words in IN_PLACE.values()}
SKIP = "skip"
"""Word in the column `answer` that leaves a request to another person."""
_TRUE = {"true", "1", "yes"}
_MOST_SECONDS = 86_400.0


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
        content = json.dumps([_task(item, predictions) for item in items], indent=1, ensure_ascii=False) + "\n"
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
        raise _unreadable(path, f"cannot be read: {error}", "Export it again.") from None
    if not isinstance(document, list):
        raise _unreadable(path, "holds no list", "Give an export of Label Studio: a list of tasks.")
    return [each for number, value in enumerate(document, start=1) for each in _read_value(f"task {number}", value)]


def _row(item: BatchItem, predictions: Mapping[str, str] | None) -> dict[str, Any]:
    blank = dict.fromkeys(_COLUMNS, "") | {"request_id": item.request_id, "batch": item.batch, "text": item.text}
    shown = {} if predictions is None else {"prediction": predictions.get(item.request_id, "")}
    return {**blank, **shown}


def _task(item: BatchItem, predictions: Mapping[str, str] | None) -> dict[str, Any]:
    data = {"text": item.text, "request_id": item.request_id, "batch": item.batch}
    served = (predictions or {}).get(item.request_id)
    if served is None:
        return {"data": data}
    shown = {"from_name": LABEL, "to_name": "text", "type": "choices", "value": {"choices": [served]}}
    return {"data": data, "predictions": [{"model_version": "served", "result": [shown]}]}


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
    reader = csv.DictReader(io.StringIO(content, newline=""), strict=False)
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
        yield from _read_task(place, value)
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
    seconds = _seconds(row.get("seconds"))
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


def _read_task(place: str, task: Mapping[str, Any]) -> Iterator[GivenAnswer]:
    """Read the annotations of a task; one that was shown a prediction says so."""
    data = task["data"]
    request_id, batch = str(data.get("request_id") or ""), str(data.get("batch") or "")
    found = task.get("annotations")
    annotations = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    if not annotations:
        yield GivenAnswer(place, request_id, batch=batch)
    for each in annotations:
        results = each.get("result") if isinstance(each.get("result"), list) else []
        choices = [choice for result in results or () for choice in _values(result, LABEL, "choices")]
        notes = [note for result in results or () for note in _values(result, NOTE, "text")]
        label, answer = (None, None) if len(choices) != 1 else _meaning(choices[0])
        skipped = each.get("was_cancelled") is True
        problem = "" if skipped or len(choices) < 2 else "several choices"
        yield GivenAnswer(
            place, request_id, _who(each.get("completed_by")), None if skipped else label, None if skipped else answer,
            skipped, "\n".join(notes), _seconds(each.get("lead_time")), bool(task.get("predictions")), batch, problem,
        )  # fmt: skip


def _values(result: Any, name: str, kind: str) -> list[str]:
    if not isinstance(result, dict) or result.get("from_name") != name or not isinstance(result.get("value"), dict):
        return []
    value = result["value"].get(kind)
    listed = value if isinstance(value, list) else [value]
    return [each for each in listed if isinstance(each, str)]


def _meaning(choice: str) -> tuple[str | None, str | None]:
    return (None, _IN_PLACE[choice]) if choice in _IN_PLACE else (choice, None)


def _who(completed_by: Any) -> str:
    """Return the mail address of a user of Label Studio; a number alone names nobody here."""
    named = completed_by.get("email") if isinstance(completed_by, dict) else completed_by
    return named if isinstance(named, str) else ""


def _seconds(value: Any) -> float | None:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return None
    return seconds if math.isfinite(seconds) and 0 <= seconds <= _MOST_SECONDS else None


def _unguard(cell: str) -> str:
    """Return a cell without the apostrophe that `guard_formula` put in front."""
    return cell[1:] if cell.startswith("'") and guard_formula(cell[1:]) == cell else cell


def _unreadable(path: Path, what: str, hint: str) -> RatchetError:
    return RatchetError(f"{path} {what}.", hint, code="unreadable")
