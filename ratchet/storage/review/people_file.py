"""The file `review/people.json`: figures of the people who label, which the gateway's page reads without a warehouse.

It is derived and expendable: cycles and `ratchet people` write it anew. Add here how it is stored; the figures are made
in `ratchet/workflows/review/people.py`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ratchet.core.errors import RatchetError
from ratchet.core.files import make_folder, read_if_there, write_json
from ratchet.core.strict_json import parse_strictly
from ratchet.storage.home import Home

SCHEMA = 1


def people_path(home: Home, name: str) -> Path:
    """Return the path of the file."""
    return home.review(name) / "people.json"


def write_people(home: Home, name: str, document: Mapping[str, Any]) -> None:
    """Replace the file, for its owner and group alone: it holds texts."""
    make_folder(home.review(name))
    write_json(people_path(home, name), {"schema": SCHEMA, **document}, mode=0o660)


def read_people(home: Home, name: str) -> dict[str, Any] | None:
    """Return the figures as they were written last, None before the first time.

    Raises `RatchetError` for a file that is damaged or of another version.
    """
    content = read_if_there(people_path(home, name))
    if content is None:
        return None
    try:
        document = parse_strictly(content)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise RatchetError(
            f"{people_path(home, name)} cannot be read, or is of another version.",
            f"Run 'ratchet people {name}': it writes the file anew.",
            code="bad_people",
        )
    return document
