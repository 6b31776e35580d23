"""Intake of exports of other tools: what each row says becomes a production log, a correction or an example.

A label with a request, its annotator and a time is a correction; without them it is an example. Add here what a row
becomes; how a tool writes it is `ratchet/data/tool_exports/`.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

from ratchet.config.spec import Spec
from ratchet.core.errors import RatchetError, UsageError
from ratchet.core.label_names import label_of
from ratchet.data.records import KINDS
from ratchet.data.tool_exports.registry import ToolReader, find_reader
from ratchet.data.tool_exports.tool_rows import FieldNames, ServedRequest, ToolLabel
from ratchet.ingest.conversion import Conversion, ConvertedRow
from ratchet.ingest.landing import Landing
from ratchet.ingest.result import IngestResult
from ratchet.ingest.segment_names import shown
from ratchet.storage.row_files.formats import SUFFIXES, UnreadableError, form_of
from ratchet.storage.row_files.rows import FileRow, read_rows

LOGS, CORRECTIONS, EXAMPLES = "production_logs", "corrections", "labelled_examples"
MAPPED = ("text", "label", "request_id", "ts")
"""Fields of an export that `--map` can name."""
_LOOKED_AT = 100


def deliver_exports(
    landing: Landing, spec: Spec, tool: str, paths: Sequence[Path], mapping: Mapping[str, str], saw: bool | None
) -> Iterator[IngestResult]:
    """Ingest the exports of one tool: production logs of all files first, then corrections, then examples.

    `saw` says of all annotators whether they saw a prediction, where the export does not. Nothing is landed before all
    files were read. Raises `RatchetError` for a file that is not an export of the tool, and `UsageError` where nothing
    says what annotators saw.
    """
    reader, names = find_reader(tool), FieldNames(**mapping)
    with ExitStack() as scratch:
        converted = []
        for path in paths:
            folder = Path(scratch.enter_context(tempfile.TemporaryDirectory(prefix="ratchet-")))
            converted.append((path, _convert(path, folder, reader, names, saw)))
        for kind in KINDS:
            for path, segments in converted:
                if kind in segments:
                    yield landing.deliver(spec, kind, segments[kind], original=path)


def _convert(path: Path, folder: Path, reader: ToolReader, names: FieldNames, saw: bool | None) -> dict[str, Path]:
    """Write the rows of an export as segments in `folder`; raise where nothing says what annotators saw."""
    conversion, unsaid = Conversion(folder, shown(path)), 0
    for kind, row in convert_rows(path, reader, names, saw):
        unsaid += kind == CORRECTIONS and not row.reason and row.values["saw_prediction"] is None
        conversion.add(kind, row)
    if unsaid:
        raise UsageError(
            f"{path.name}: the export does not say of {unsaid} labels whether the annotator saw the model's answer.",
            "Say it of all of them: --blind if nobody saw it, --anchored if they did. Those that the tool showed a"
            " prediction for are anchored either way.",
            code="bad_mapping",
        )
    return conversion.finish()


def convert_rows(
    path: Path, reader: ToolReader, names: FieldNames, saw: bool | None
) -> Iterator[tuple[str, ConvertedRow]]:
    """Yield what each row of an export gives, with its kind; a row that gives nothing is an example with a reason."""
    for row in _read(path, reader):
        found = [*reader.read(row.values, names)] if reader.fits(row.values) else []
        if not found:
            why = row.reason or f"it is not a row of {reader.title}"
            yield EXAMPLES, ConvertedRow(row.line, row.values, reason=why)
        for each in found:
            yield _place(row, each, saw)


def _read(path: Path, reader: ToolReader) -> Iterator[FileRow]:
    if not path.is_file() or form_of(path.name) is None:
        what = "does not exist" if not path.exists() else "is not a file of a known format"
        raise RatchetError(f"{path} {what}.", f"Give a file that ends in {', '.join(SUFFIXES)}.", code="no_file")
    try:
        rows = read_rows(path)
        first = [*islice(rows, _LOOKED_AT)]
        if not any(reader.fits(row.values) for row in first):
            keys = ", ".join(map(repr, dict.fromkeys(key for row in first for key in row.values)))[:200]
            raise RatchetError(
                f"{path} is not an export of {reader.title}: its rows have {keys or 'no keys'}.",
                "Name the tool that made it with --from, or give plain rows with --logs, --corrections or --examples.",
                code="bad_export",
            )
        yield from first
        yield from rows
    except UnreadableError as error:
        raise RatchetError(f"{path} cannot be read: {error}.", "Export it again.", code="unreadable") from None


def _place(row: FileRow, found: ServedRequest | ToolLabel, saw: bool | None) -> tuple[str, ConvertedRow]:
    """Return the kind that a finding is of, and its row."""
    if isinstance(found, ServedRequest):
        values = {**vars(found), "label": _label(found.label)}
        return LOGS, ConvertedRow(row.line, row.values, values)
    is_correction = None not in (found.request_id, found.annotator, found.ts)
    kind, label = CORRECTIONS if is_correction else EXAMPLES, _label(found.label)
    reason = found.reason or _fault(found, label, is_correction=is_correction)
    if reason:
        return kind, ConvertedRow(row.line, row.values, reason=reason)
    values = {"label": label, "ts": found.ts}
    if kind == EXAMPLES:
        return kind, ConvertedRow(row.line, row.values, {**values, "text": found.text})
    values |= {"request_id": found.request_id, "annotator": found.annotator, "seconds": found.seconds}
    values |= {"saw_prediction": True if found.saw_prediction else saw, "note": found.note}
    return kind, ConvertedRow(row.line, row.values, values)


def _label(value: Any) -> str | None:
    return label_of(value.strip() if isinstance(value, str) else value)


def _fault(found: ToolLabel, label: str | None, *, is_correction: bool) -> str:
    if label is None:
        several = isinstance(found.label, list) and len(found.label) > 1
        return "it has several labels, and a row needs one" if several else "label is missing"
    if not is_correction and found.text is None:
        return "text is missing: name its field with --map text=FIELD"
    needed = {"request_id": found.request_id, "annotator": found.annotator} if is_correction else {"text": found.text}
    odd = [name for name, value in needed.items() if isinstance(value, bool) or not isinstance(value, str | int)]
    return f"{odd[0]} is {'not text' if odd[0] == 'text' else 'neither text nor an integer'}" if odd else ""
