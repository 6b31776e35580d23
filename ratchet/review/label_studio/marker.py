"""Line in a project's description by which it is known, and by which a restored backup shows itself.

The line holds a number that grows before anything new counts as taken: a description with a smaller one is older than
what was taken. Add here another fact that must travel with the project.
"""

import re
from dataclasses import dataclass

_LINE = re.compile(r"^.*\[ratchet:([0-9a-f]{16}-\d{1,9}):(\d{1,12})\].*$", re.MULTILINE)


@dataclass(frozen=True)
class Marker:
    """Token of the project, and the number of its newest change that was taken."""

    token: str
    number: int


def read_marker(description: str) -> Marker | None:
    """Return the marker of a description; None where somebody removed it."""
    found = _LINE.search(description)
    return Marker(found[1], int(found[2])) if found else None


def write_marker(description: str, marker: Marker) -> str:
    """Return the description with this marker in place of a former one; the rest stays as it is."""
    line = f"Kept in step with the review queue; leave this line: [ratchet:{marker.token}:{marker.number}]"
    rest = _LINE.sub("", description).strip()
    return f"{rest}\n{line}".strip()
