"""Reading of one file as a whole; a file of before, which was read by the line then, is read so again.

A file whose rows were taken by an earlier version is never refused by a rule for whole files that came later. Add here
another such rule's way back.
"""

import json
from pathlib import Path

from ratchet.ingest.reading.salvage import FileFingerprint
from ratchet.ingest.reading.staging_reader import StagingReader
from ratchet.storage.row_files.formats import UnreadableError, form_of
from ratchet.storage.row_files.opening import OpenedFile, open_rows


def was_refused_whole(report: Path) -> bool:
    """Return True where the report on a file says that it was refused as a whole: no row of it was ever taken."""
    try:
        with report.open("rb") as lines:
            row = json.loads(lines.readline())
    except (OSError, ValueError):
        return False
    return isinstance(row, dict) and "line" in row and row["line"] is None


def read_whole_or_lines(
    reader: StagingReader, source: Path, name: str, found: FileFingerprint, scratch: Path, *, former: bool
) -> tuple[OpenedFile, str]:
    """Read the file `name` into the staging table; return it as it was opened, and the encoding that was found.

    With `former` what cannot be read as a whole is read by the line, and costs only the lines that are broken.
    """
    form = form_of(name) or Path(name).suffix.lower()
    try:
        opened = open_rows(source, form, scratch)
        return opened, reader.read(opened, found, scratch)
    except UnreadableError:
        if not former:
            raise
    opened = open_rows(source, form, scratch, linewise=True)
    return opened, reader.read(opened, found, scratch, linewise=True)
