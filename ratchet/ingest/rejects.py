"""The folder `rejected/`: JSONL rows {file, line, reason, row} for every row that was rejected.

A report's name derives from its input, so that ingesting the same input again overwrites it. Add here how reports are
named and published; the reasons are given by `ratchet/data/row_rules.py`.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path

from ratchet.core.digests import digest_bytes
from ratchet.core.files import fsync_folder, publish_file, write_atomically
from ratchet.storage.home_rights import limit_to_readers

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


def reject_name(kind: str, file: str, sha256: str = "") -> str:
    """Return the name of the report on `file`; with the content's digest for a delivery, whose name may collide."""
    safe = _UNSAFE.sub("_", file)[:120]
    mark = "" if safe == file else f".{digest_bytes(file.encode())[:12]}"
    return f"{kind}.{safe}{mark}{'.' + sha256[:12] if sha256 else ''}.jsonl"


def report_rows(path: Path, write: Callable[[Path], dict[str, int]], source: Path) -> dict[str, int]:
    """Publish the report that `write` fills in a dot-file beside `path`; an older one is removed if it is empty.

    Nobody may read it who could not read `source`, whose rows it repeats.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    stage = path.with_name(f".{path.name}.tmp")
    try:
        counts = write(stage)
        if counts:
            limit_to_readers(stage, source)
            publish_file(stage, path)
        elif path.exists():
            path.unlink()
            fsync_folder(path.parent)
        return counts
    finally:
        stage.unlink(missing_ok=True)


def report_file(path: Path, file: str, reason: str, source: Path) -> dict[str, int]:
    """Publish the report that `file`, at `source`, was rejected as a whole; its readers are those of the source."""
    row = {"file": file, "line": None, "reason": reason, "row": None}
    write_atomically(path, (json.dumps(row) + "\n").encode(), 0o660)
    limit_to_readers(path, source)
    return {reason: 1}
