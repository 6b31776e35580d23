"""The loader, with a mark beside each file that is being read: a file of which processes die stops itself alone.

A mark that stands when the warehouse opens is of a dead process, since only one at a time may have it open. Its file is
first read in a bounded process of its own (`trial_reading.py`), and refused where that dies. Add here what an intake
must remember of a file that it did not survive.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import duckdb

from ratchet.core.failpoints import failpoint
from ratchet.core.system_errors import find_fault
from ratchet.data.records import Terms
from ratchet.ingest.loader import Loader
from ratchet.ingest.reading.salvage import FileFingerprint
from ratchet.ingest.reading.sources import Columns
from ratchet.ingest.segment_names import shown
from ratchet.ingest.staging import Stage
from ratchet.ingest.trial_reading import ReadingJob, try_reading
from ratchet.storage.home import Home
from ratchet.storage.row_files.formats import UnreadableError

_LOG = logging.getLogger(__name__)

MOST_DEATHS = 5
"""Processes that a file may end though a trial reads it: more than a machine that is switched off again and again."""
_OPTION = {"production_logs": "--logs", "corrections": "--corrections", "labelled_examples": "--examples"}
_NOT_SURVIVED = (duckdb.FatalException, duckdb.InternalException, duckdb.ConnectionException, MemoryError)


@dataclass(frozen=True)
class ReadingMark:
    """A file that is being read, or was read by a process that died."""

    file: str
    kind: str
    done: bool = False
    """True where its rows were in the warehouse already: some waited, and it was read again."""
    deaths: int = 0
    """Processes that ended while they read it."""
    refused: str = ""
    """The reason, where a trial ended too: it is tried again before each further reading."""


@dataclass(frozen=True)
class WatchedLoader(Loader):
    """A loader that marks each file while it is read."""

    loaded: set[tuple[str, str, str]] = field(default_factory=set)
    """Kind, name and digest of the files whose rows are in the warehouse."""
    rebuilds: bool = False
    """True where it fills a new warehouse: a file that was refused for its deaths gets as many again."""
    named: bool = False
    """True where a user named the file to read: its deaths begin again, since somebody looks on."""

    @classmethod
    def of(
        cls, connection: duckdb.DuckDBPyConnection, home: Home, name: str, *, rebuilds: bool = False
    ) -> "WatchedLoader":
        """Make a loader; marks of files that were loaded all the same are removed."""
        done = "SELECT kind, file, sha256 FROM ingested_files WHERE classifier = ?"
        loaded = set(connection.execute(done, [name]).fetchall())
        for place in (home.classifier(name) / ".reading").glob("*.json"):
            mark = _read(place)
            if mark and not (mark.refused or mark.done) and (mark.kind, mark.file, place.stem) in loaded:
                place.unlink(missing_ok=True)
        return cls(connection, home, name, Loader.of(connection, home, name).manifest, loaded=loaded, rebuilds=rebuilds)

    @contextmanager
    def staged(self, kind: str, path: Path, found: FileFingerprint, columns: Columns, terms: Terms) -> Iterator[Stage]:
        """Read and judge a file as `Loader` does, after a trial where a process died of it.

        Raises `UnreadableError` for a file whose trial dies too; it is named and counted like any that cannot be read.
        """
        place = mark_path(self.home, self.name, found)
        mark = _read(place)
        if mark is not None:
            mark = replace(mark, deaths=mark.deaths + (not mark.refused))
            job = ReadingJob.of(self.home.root, self.name, kind, path, found, columns, terms)
            _LOG.warning("%s: a process ended while it read this file; it is tried in one of its own", path)
            reason = try_reading(job)
            if not reason and (self.named or (self.rebuilds and mark.refused)):
                mark = replace(mark, deaths=1)
            if reason := reason or _too_many(mark.deaths):
                _write(place, replace(mark, refused=reason))
                again = f"'ratchet ingest {self.name} {_OPTION[kind]} FILE'"
                raise UnreadableError(f"{reason}; {again} tries it anew, as often as you like")
        file = shown(path, self.home.landing(self.name, kind))
        this = (kind, file, found.sha256)
        _write(place, replace(mark or ReadingMark(file, kind), refused="", done=this in self.loaded))
        failpoint("landing.before_read")
        try:
            with super().staged(kind, path, found, columns, terms) as stage:
                yield stage
        except BaseException as error:
            # what DuckDB did not survive is as a dead process, unless the disk was at fault: its mark stays
            if not isinstance(error, _NOT_SURVIVED) or find_fault(error) is not None:
                place.unlink(missing_ok=True)
            raise
        self.loaded.add(this)
        place.unlink(missing_ok=True)


def _too_many(deaths: int) -> str:
    return f"reading it ended {deaths} processes, though a trial could read it" if deaths >= MOST_DEATHS else ""


def mark_path(home: Home, name: str, found: FileFingerprint) -> Path:
    """Return the place of the mark on a content, whatever its file is called."""
    return home.classifier(name) / ".reading" / f"{found.sha256}.json"


def _read(place: Path) -> ReadingMark | None:
    try:
        return ReadingMark(**json.loads(place.read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):  # torn: the machine stopped with the process
        return ReadingMark("", "")


def _write(place: Path, mark: ReadingMark) -> None:
    """Write a mark, which outlives the process; a sync for each file would cost an intake more than it protects."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(asdict(mark)))
