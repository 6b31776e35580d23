"""Rows of a JSON file that is not lines, but one list, or objects one after the other: by DuckDB, or one by one.

Add here another layout that DuckDB reads; `opening.py` finds which one a file has.
"""

import json
import re
from pathlib import Path

from ratchet.core.sql import literal
from ratchet.storage.row_files.formats import MAX_LINE_BYTES, UnreadableError

_SPACE = re.compile(r"\s*")
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
    """Copy the rows one a line, for a file of which DuckDB reads none because of one: half a character, for instance.

    Raises `UnreadableError` where the file itself is broken, with the line at which it breaks.
    """
    if path.stat().st_size > MOST_BYTES:
        raise UnreadableError("one of its rows cannot be read: write a row a line, so that it costs only itself")
    text, place, decoder = path.read_text(encoding="utf-8").strip(), 0, json.JSONDecoder()
    try:
        with copy.open("w", encoding="utf-8") as out:
            while place < len(text):
                value, place = decoder.raw_decode(text, place)
                rows = value if isinstance(value, list) else [value]
                out.writelines(json.dumps(row) + "\n" for row in rows)
                place = _rest(text, place)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"its JSON is broken: {str(error)[:100]}") from None


def _rest(text: str, place: int) -> int:
    """Return the first place from `place` on that is not white space."""
    found = _SPACE.match(text, place)
    return found.end() if found else place
