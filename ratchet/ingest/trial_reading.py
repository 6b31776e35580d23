"""Trial reading of a landed file in a bounded process of its own: `python -m ratchet.ingest.trial_reading`.

It gets one `ReadingJob` as JSON on standard input, reads the file into a warehouse in memory exactly as the loader
does, and prints `{"refused": reason}`, null for a file that can be read. Add here what a reading may take; when one is
tried is `watched_loader.py`.
"""

import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from ratchet.core.child_processes import die_with_parent
from ratchet.core.failpoints import failpoint
from ratchet.core.sandbox import confine
from ratchet.core.system_errors import find_fault
from ratchet.core.timeouts import TRIAL_READING_S
from ratchet.data.records import Terms
from ratchet.ingest.reading.salvage import FileFingerprint
from ratchet.ingest.reading.sources import Columns
from ratchet.training.supervision.process_memory import die_before_others, keep_heap_small

_LOG = logging.getLogger(__name__)

MEMORY_BYTES = 4 * 10**9
"""Address space of a reading: DuckDB's own limit, the libraries, and the slow path of a damaged file."""
_SPILLED_BYTES = 64 * 10**9
_FAILED, _OUT_OF_MEMORY = 70, 71
"""Exit codes of a reading that failed, and of one that was refused memory (EX_SOFTWARE, EX_OSERR of sysexits.h)."""


@dataclass(frozen=True)
class ReadingJob:
    """One file to read, and the terms by which its rows are judged."""

    home: Path
    classifier: str
    kind: str
    path: Path
    content: FileFingerprint
    columns: Columns
    terms: Terms
    parent: int
    memory_bytes: int = MEMORY_BYTES
    seconds: int = TRIAL_READING_S

    @classmethod
    def of(
        cls, home: Path, name: str, kind: str, path: Path, content: FileFingerprint, columns: Columns,
        terms: Terms,
    ) -> "ReadingJob":  # fmt: skip
        """Return the job of a process of ours."""
        return cls(home, name, kind, path, content, columns, terms, os.getpid())


def try_reading(job: ReadingJob) -> str:
    """Read a file in a process of its own; return why it cannot be read here, empty where nothing speaks against it."""
    command = [sys.executable, "-m", "ratchet.ingest.trial_reading"]
    try:
        done = subprocess.run(
            command, input=_jobs().dump_json(job), capture_output=True, timeout=2 * job.seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return f"reading it took longer than {2 * job.seconds} s"
    if done.returncode == 0:
        return str(json.loads(done.stdout.splitlines()[-1])["refused"] or "")
    if done.returncode == -signal.SIGKILL:  # the kernel's way to end what has used its time, too
        return f"reading it ended the process: killed, out of memory, or after {job.seconds} s of processor time"
    # the C library ends a process by itself that gets no memory for a thread
    if done.returncode == _OUT_OF_MEMORY or b"cannot allocate memory" in done.stderr.lower():
        return f"reading it takes more than {job.memory_bytes / 1e9:.1f} GB of memory"
    if done.returncode < 0:
        return f"reading it ended the process ({signal.Signals(-done.returncode).name})"
    last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    if done.returncode == _FAILED:
        return f"reading it failed: {last[:200]}"
    _LOG.warning("%s could not be tried in a process of its own: %s", job.path, last[:200])
    return ""


def read(job: ReadingJob) -> str:
    """Stage and admit the file in memory; return why it is refused as a whole, else nothing."""
    import duckdb

    from ratchet.core.errors import RatchetError
    from ratchet.ingest.loader import MEMORY_LIMIT, Loader
    from ratchet.storage.home import Home
    from ratchet.storage.migrations import migrate
    from ratchet.storage.row_files.formats import UnreadableError

    with tempfile.TemporaryDirectory(prefix="ratchet-") as scratch, duckdb.connect() as connection:
        connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
        connection.execute("SET temp_directory = ?", [scratch])
        migrate(connection)
        loader = Loader(connection, Home(job.home), job.classifier, [])
        failpoint("trial_reading.before_read")
        try:
            with loader.staged(job.kind, job.path, job.content, job.columns, job.terms) as stage:
                stage.admit(1, job.terms.now)
        except UnreadableError as error:
            return str(error)
        except (RatchetError, OSError):
            return ""  # its own process says so, or waits for the file
    return ""


def main() -> int:
    """Run the job on standard input within its bounds."""
    job = _jobs().validate_json(sys.stdin.buffer.read())
    die_with_parent(job.parent)
    confine(job.memory_bytes, job.seconds, file_bytes=_SPILLED_BYTES)
    keep_heap_small()
    die_before_others()
    try:
        refused = read(job)
    except MemoryError:
        return _OUT_OF_MEMORY
    except Exception as error:  # noqa: BLE001 - whatever a reading raises, the exit code says that the reading did
        if type(error).__name__ == "OutOfMemoryException":  # DuckDB's own, where its allocation is refused first
            return _OUT_OF_MEMORY
        if find_fault(error) is not None or "No space left" in str(error):
            refused = ""  # of the disk, not of the file
        else:
            sys.stderr.write(f"{type(error).__name__}: {' '.join(str(error).split())}\n")
            return _FAILED
    sys.stdout.write(json.dumps({"refused": refused}) + "\n")
    return 0


@cache
def _jobs() -> Any:
    return TypeAdapter(ReadingJob)


if __name__ == "__main__":
    sys.exit(main())
