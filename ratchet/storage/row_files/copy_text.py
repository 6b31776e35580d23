r"""Text format of Postgres's COPY, which MySQL writes alike: tabs between fields, no quotes, escapes as `\n` and `\N`.

Nothing in a file says that it is of this format; every backslash in it is the beginning of one of few escapes. Add here
another escape; records are made of it in `csv_records.py`.
"""

import re
from pathlib import Path

from ratchet.storage.row_files.csv_header import CsvHeader

_TAB = "\t"
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_FIRST_BAD = re.compile(rb'\\(?![bfnrtv\\N])|(?:^|\t)"')
_PAIRS = re.compile(rb"\\(.)")
_NULL = "\\N"
END = "\\."
"""The line after the last row, where a dump holds one."""


def is_copy_text(path: Path, header: CsvHeader) -> bool:
    r"""Return True where a file of tabs has an escape to undo, and holds no backslash and no quote but this format's.

    `\N` alone needs nothing undone. Where neither `\N` nor a doubled backslash shows that backslashes are escaped, only
    line ends are taken for escapes: `C:\temp` stays.
    """
    if header.delimiter != _TAB:
        return False
    found: set[bytes] = set()
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            content = line.rstrip(b"\r\n")
            if number <= header.lines or content == END.encode():
                continue
            if _FIRST_BAD.search(_PAIRS.sub(_keep_known, content)):
                return False
            if b"\\" in content:
                kinds = set(_PAIRS.findall(content))
                if b"N" in kinds and not _nulls_are_whole(content):
                    return False
                found |= kinds
    sure = bool(found & {b"N", b"\\"}) or found <= {b"n", b"r"}
    return sure and bool(found - {b"N"})


def split_fields(line: str) -> list[str]:
    r"""Return the fields of a line without its end, escapes undone; `\N` is empty, as what is not there in a CSV."""
    return ["" if field == _NULL else _ESCAPE.sub(_undo, field) for field in line.split(_TAB)]


def _undo(escape: re.Match[str]) -> str:
    return _ESCAPES.get(escape[1], escape[1])


def _keep_known(pair: re.Match[bytes]) -> bytes:
    """Take a known escape away, so that the second backslash of a pair is not taken for the first of another."""
    return b"" if pair[1] in b"bfnrtv\\N" else pair[0]


def _nulls_are_whole(content: bytes) -> bool:
    r"""Return True where every `\N` is a field of its own."""
    parts = [field for field in content.split(b"\t") if field != _NULL.encode()]
    return not any(b"N" in _PAIRS.findall(field) for field in parts)
