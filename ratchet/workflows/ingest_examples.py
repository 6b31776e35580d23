"""Intake of labelled examples from files of any shape: text and label, chat, instruction, prompt and completion.

Files with columns `text` and `label` are read by the intake itself; rows of other shapes are brought to them first. Add
a shape in `ratchet/data/training_formats.py`.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from ratchet.config.spec import Spec
from ratchet.core.errors import RatchetError
from ratchet.data.training_formats import has_shape, read_example
from ratchet.ingest.conversion import Conversion, ConvertedRow
from ratchet.ingest.landing import Landing
from ratchet.ingest.result import IngestResult
from ratchet.ingest.segment_names import shown
from ratchet.storage.row_files.formats import UnreadableError, form_of
from ratchet.storage.row_files.rows import FileRow, read_rows

KIND = "labelled_examples"
_LOOKED_AT = 20
"""Rows of a file that are looked at for its shape: the first ones may be broken."""
_REPORT = {"file", "line", "reason", "row"}


def deliver_examples(landing: Landing, spec: Spec, path: Path, columns: Mapping[str, str]) -> IngestResult:
    """Ingest one file of examples, whatever shape its rows have. Raises `RatchetError` as `Landing.deliver` does."""
    if columns or not path.is_file() or form_of(path.name) is None or not _is_shaped(path):
        return landing.deliver(spec, KIND, path, columns=columns)
    with tempfile.TemporaryDirectory(prefix="ratchet-") as scratch:
        conversion = Conversion(Path(scratch), shown(path))
        try:
            for row in _rows_of(path):
                conversion.add(KIND, _convert(row))
        except UnreadableError as error:
            raise RatchetError(f"{path} cannot be read: {error}.", "Give JSON lines, a list, CSV or Parquet.") from None
        return landing.deliver(spec, KIND, conversion.finish()[KIND], original=path)


def _is_shaped(path: Path) -> bool:
    """Return True for a file with a row of a known shape among its first ones; what cannot be read has none."""
    with suppress(UnreadableError):
        for number, row in enumerate(_rows_of(path)):
            if has_shape(row.values):
                return True
            if number == _LOOKED_AT or "text" in row.values:
                return False
    return False


def _rows_of(path: Path) -> Iterator[FileRow]:
    """Yield the rows of a file; of a report on rejected rows those that it holds, with their lines."""
    for row in read_rows(path):
        inner = None
        if row.values.keys() == _REPORT and isinstance(row.values["row"], str):
            with suppress(ValueError, RecursionError):
                inner = json.loads(row.values["row"])
        yield FileRow(int(row.values["line"] or row.line), inner) if isinstance(inner, dict) else row


def _convert(row: FileRow) -> ConvertedRow:
    if row.reason:
        return ConvertedRow(row.line, row.values, reason=row.reason)
    found = read_example(row.values)
    values = {"text": found.text, "label": found.label, "ts": row.values.get("ts")}
    return ConvertedRow(row.line, row.values, {} if found.reason else values, found.reason)
