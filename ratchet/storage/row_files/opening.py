"""Opening of a file of rows: its first bytes show compression, encoding and layout, and it is made plain.

Add here what else may be wrapped around rows. Which names are taken is `formats.py`.
"""

import gzip
import json
import zlib
from dataclasses import dataclass
from pathlib import Path

from ratchet.storage.row_files.encodings import decode_file, marked_encoding
from ratchet.storage.row_files.formats import JSONL, PARQUET, UnreadableError

LINES, ARRAY, DOCUMENTS = "newline_delimited", "array", "unstructured"
"""Layouts of JSON, by DuckDB's names: a row a line, one list of rows, or rows that each run over several lines."""
REPORT = "report"
"""Layout of our own reports on rejected rows, which may be corrected in place and given again: the row is in `row`."""
LINEWISE = (LINES, REPORT)
REPORT_KEYS = ("file", "line", "reason", "row")
MAX_UNPACKED_BYTES = 16 << 30
MAX_RATIO, SMALL = 200, 64 << 20
"""Rows shrink to a fifth or a twentieth; what is this much longer than its file, and not small, is a bomb."""
_ENDS = {ARRAY: b"]", DOCUMENTS: b"}"}
_BLOCK = 1 << 20
_START = 1 << 16
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_FOREIGN = {
    b"PK\x03\x04": "it is a ZIP archive or an Excel workbook: save the sheet as CSV UTF-8, or unpack it",
    b"\xd0\xcf\x11\xe0": "it is an old Excel workbook: save the sheet as CSV UTF-8",
    b"\x28\xb5\x2f\xfd": "it is packed with zstd: unpack it, or pack it with gzip",
    b"BZh": "it is packed with bzip2: unpack it, or pack it with gzip",
    b"\xfd7zXZ": "it is packed with xz: unpack it, or pack it with gzip",
    b"Obj\x01": "it is Avro: export it as Parquet",
    b"ORC": "it is ORC: export it as Parquet",
}


@dataclass(frozen=True)
class OpenedFile:
    """A plain file in UTF-8 or Parquet, with its form and, of JSON, its layout."""

    path: Path
    form: str
    layout: str = LINES
    copied: bool = False
    """True where it is a copy in the scratch folder."""


def open_rows(source: Path, form: str, scratch: Path, *, linewise: bool = False) -> OpenedFile:
    """Return the file at `source` as a plain one, copied into `scratch` where it is packed or in another encoding.

    With `linewise` JSON is lines, whatever it looks like. Raises `UnreadableError` for what does not hold rows, is
    damaged, or unpacks beyond the limits.
    """
    if form == PARQUET:
        return OpenedFile(source, form)
    path, start = source, _first_bytes(source)
    if start.startswith(_GZIP):
        path = scratch / "unpacked"
        _unpack(source, path)
        start = _first_bytes(path)
    if start.startswith(b"PAR1"):
        return OpenedFile(path, PARQUET, copied=path != source)
    for magic, reason in _FOREIGN.items():
        if start.startswith(magic):
            raise UnreadableError(reason)
    encoding = marked_encoding(start)
    layout = (
        LINES
        if linewise
        else _layout_of(start if encoding is None else start.decode(encoding, "replace").encode(), form)
    )
    if encoding is None and start.startswith(_BOM) and layout in {ARRAY, DOCUMENTS}:
        encoding = "utf-8-sig"
    if encoding is not None:
        plain = scratch / "decoded"
        decode_file(path, plain, encoding)
        path = plain
    if layout in _ENDS and _last_byte(path) != _ENDS[layout]:  # DuckDB takes what there is
        raise UnreadableError("it ends in the middle of its JSON")
    return OpenedFile(path, form, layout, copied=path != source)


def _last_byte(path: Path) -> bytes:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _START))
        return file.read().rstrip()[-1:]


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_START)


def _layout_of(start: bytes, form: str) -> str:
    if form != JSONL:
        return LINES
    text = start.removeprefix(_BOM).lstrip(b" \t\r\n")
    first, _, rest = text.partition(b"\n")
    first = first.rstrip()
    if text.startswith(b"["):  # a list on a line of its own, above other lines, is a bad line
        return LINES if first.endswith(b"]") and rest.strip() else ARRAY
    if first == b"{":
        return DOCUMENTS
    return REPORT if _is_report(first) else LINES


def _is_report(line: bytes) -> bool:
    if not all(f'"{key}"'.encode() in line for key in REPORT_KEYS):
        return False
    try:
        row = json.loads(line)
    except ValueError:
        return False
    return isinstance(row, dict) and tuple(sorted(row)) == REPORT_KEYS and isinstance(row["row"], str)


def _unpack(source: Path, target: Path) -> None:
    packed, done = source.stat().st_size, 0
    try:
        with gzip.open(source) as file, target.open("wb") as out:
            while block := file.read(_BLOCK):
                done += len(block)
                if done > MAX_UNPACKED_BYTES or (done > SMALL and done > MAX_RATIO * packed):
                    raise UnreadableError(
                        f"it unpacks to more than {min(MAX_UNPACKED_BYTES, max(SMALL, MAX_RATIO * packed)):,} bytes, "
                        f"from {packed:,}: unpack it yourself if that is right"
                    )
                out.write(block)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UnreadableError(f"it cannot be unpacked to its end: {str(error)[:100]}") from None
