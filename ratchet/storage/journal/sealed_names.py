"""Names of the segments that the gateway sealed: `journal/sealed.txt`, so that one that is removed is missed.

Landed segments also stand in the manifest of intake; pairs and feedback stand here alone. Add here what must be known
of a segment after its folder is gone; the segments are `segments.py`.
"""

import logging
import os
import re
from pathlib import Path

from ratchet.storage.home import Home

_LOG = logging.getLogger(__name__)
_LINE = re.compile(rb"([a-z_]+/gateway-[0-9a-f]+\.parquet)")


def note_sealed(home: Home, classifier: str, segment: Path) -> None:
    """Add a segment to the list. Errors of the disk are logged: the rows are safe without it.

    It is not synced: after a power loss the newest names may be missing, and nothing is missed then.
    """
    try:
        file = os.open(_place(home, classifier), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o660)
        try:
            os.write(file, f"{segment.parent.name}/{segment.name}\n".encode())
        finally:
            os.close(file)
    except OSError as error:
        _LOG.warning("%s cannot be listed as sealed: %s", segment, error)


def read_sealed(home: Home, classifier: str, most_bytes: int | None = None) -> tuple[list[Path], bool]:
    """Return the listed segments, oldest first, of all or of the last `most_bytes`; True where these are all.

    Segments of versions before this list are not in it. Raises OSError for a list that cannot be read.
    """
    try:
        with _place(home, classifier).open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            complete = most_bytes is None or size <= most_bytes
            file.seek(0 if complete else size - int(most_bytes or 0))
            content = file.read()
    except FileNotFoundError:
        return [], True
    lines = content.split(b"\n") if complete else content.split(b"\n")[1:]
    names = [found[1].decode() for line in lines if (found := _LINE.fullmatch(line))]
    return [home.classifier(classifier) / name for name in dict.fromkeys(names)], complete


def _place(home: Home, classifier: str) -> Path:
    return home.classifier(classifier) / "journal" / "sealed.txt"
