"""Rows of a JSON file that is not lines, but one list, or objects one after the other: by DuckDB, or one by one.

Add here another layout that DuckDB reads; `opening.py` finds which one a file has.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ratchet.core.sql import literal
from ratchet.storage.row_files.formats import MAX_LINE_BYTES, UnreadableError

_SPACE = re.compile(r"\s*")
_MARK = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[][{},]', re.DOTALL)
_BREAKS = str.maketrans("\r\n", "\t\t")
_MOST_ROW_BYTES = 4 * MAX_LINE_BYTES
MOST_BYTES = 256 << 20
"""Files over this are not read one by one: as values of Python they take ten times the memory."""


def documents_sql(path: Path, layout: str) -> str:
    """Return a FROM clause whose rows are the rows of the file in their order, each as text in `raw`."""
    return (
        f"(SELECT coalesce(json::VARCHAR, 'null') AS raw FROM read_json({literal(str(path))}, format={literal(layout)},"
        f" records='false', columns={{'json': 'JSON'}}, maximum_object_size={_MOST_ROW_BYTES}))"
    )


def copy_as_lines(path: Path, copy: Path) -> None:
    """Copy the rows one a line as they are written, for a file of which DuckDB reads none because of one of them.

    A row that is broken, nested too deeply or otherwise odd is a line like others, so that it costs only itself. Raises
    `UnreadableError` where no next row can be found.
    """
    if path.stat().st_size > MOST_BYTES:
        raise UnreadableError("one of its rows cannot be read: write a row a line, so that it costs only itself")
    text, number = path.read_text(encoding="utf-8").strip(), 0
    with copy.open("w", encoding="utf-8") as out:
        for number, (start, end) in enumerate(_rows(text), start=1):
            if end <= start:
                raise UnreadableError(f"its JSON is broken: row {number} does not end, or none follows a comma")
            # a line break is a tab then: white space as well, and as little allowed within a text
            out.write(text[start:end].translate(_BREAKS) + "\n")


def _rows(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of every row, of lists and of what stands outside; an end of 0 where a row has none."""
    place, ends = 0, _Ends(text)
    while place < len(text):
        if text[place] != "[":
            yield place, (end := ends.after(place))
            place = _rest(text, end)
            continue
        place = _rest(text, place + 1)
        while text[place : place + 1] != "]":
            yield place, (end := ends.after(place))
            place = _rest(text, end)
            if (mark := text[place : place + 1]) not in {",", "]"}:
                yield place, 0
            if mark == ",":
                place = _rest(text, place + 1)
                if text[place : place + 1] == "]":
                    yield place, 0
        place = _rest(text, place + 1)


@dataclass
class _Ends:
    """Ends of the values of a text: by parsing them, and by their brackets where they cannot be parsed."""

    text: str
    left: int = 100
    """Failures until values are no longer parsed: each costs a pass over the text, to count its lines."""

    def after(self, start: int) -> int:
        """Return where the value that begins at `start` ends; 0 for nowhere."""
        if self.left:
            try:
                return json.JSONDecoder().raw_decode(self.text, start)[1]
            except (ValueError, RecursionError):
                self.left -= 1
        depth = 0
        for found in _MARK.finditer(self.text, start):
            mark = found[0]
            if not depth and (mark == "," or mark in "]}"):
                return found.start()
            depth += (mark in "[{") - (mark in "]}")
            if not depth and mark in "]}":
                return found.end()
        return 0


def _rest(text: str, place: int) -> int:
    """Return the first place from `place` on that is not white space."""
    found = _SPACE.match(text, place)
    return found.end() if found else place
