"""The loader of landed files into the open warehouse, each in one transaction with the row that marks it as done.

Add here what must hold between a file, its manifest line, its report and its rows when the process is killed. The files
to land and to load are chosen by `landing.py`.
"""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from ratchet.core.errors import RatchetError
from ratchet.core.failpoints import failpoint
from ratchet.data.records import KINDS, Terms
from ratchet.ingest.ingested_files import IngestedFiles
from ratchet.ingest.manifest import ManifestEntry, append_entry, first_entry, follow_manifest
from ratchet.ingest.reading.salvage import FileFingerprint, fingerprint, holds_content
from ratchet.ingest.reading.sources import Columns
from ratchet.ingest.reading.staging_reader import StagingReader
from ratchet.ingest.reading.whole_or_lines import read_whole_or_lines, was_refused_whole
from ratchet.ingest.rejects import reject_name, report_file, report_rows
from ratchet.ingest.result import IngestResult
from ratchet.ingest.segment_names import (
    arrivals,
    is_part,
    is_segment,
    next_seq,
    shown,
    sweep_staged,
    takeable,
    why_not,
)  # fmt: skip
from ratchet.ingest.staging import Stage
from ratchet.storage.home import Home
from ratchet.storage.journal.segments import is_intact, is_sealed
from ratchet.storage.row_files.formats import UnreadableError
from ratchet.storage.row_files.plain_files import hold_plain_file

_LOG = logging.getLogger(__name__)

MEMORY_LIMIT = "1600MB"
"""DuckDB's limit during loading: about four million rows are staged without spilling; the process stays under 2 GB."""


@dataclass(frozen=True)
class Loader:
    """The one writer of a classifier's rows, for as long as it holds the warehouse's connection."""

    connection: duckdb.DuckDBPyConnection
    home: Home
    name: str
    manifest: list[ManifestEntry]
    unread: list[Path] = field(default_factory=list)  # not readable just now: the next look tries them again
    again: bool = False  # files were loaded before: what was taken of one is taken again

    @classmethod
    def of(cls, connection: duckdb.DuckDBPyConnection, home: Home, name: str) -> "Loader":
        """Make a loader: read the manifest, and remove what a killed loader left."""
        connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
        for kind in KINDS:
            sweep_staged(home.landing(name, kind))
        return cls(connection, home, name, follow_manifest(home.manifest(name)))

    @property
    def files(self) -> IngestedFiles:
        """The table of the files that are done."""
        return IngestedFiles(self.connection, self.name)

    def register(self, kind: str, path: Path, found: FileFingerprint, terms: Terms) -> ManifestEntry:
        """Return the manifest line of this version of a file, written now if it is new."""
        file = shown(path, self.home.landing(self.name, kind))
        for landed in self.manifest:
            if (landed.kind, landed.file, landed.sha256) == (kind, file, found.sha256):
                return landed
        folders = [self.home.landing(self.name, each) for each in KINDS]
        time = path.stat().st_mtime_ns if found.sha256 else 0
        landed = ManifestEntry(
            next_seq(self.manifest, folders), kind, file, found.sha256, found.bytes, time,
            terms.labels, terms.max_text_chars, terms.now.isoformat(),
        )  # fmt: skip
        append_entry(self.home.manifest(self.name), landed)
        self.manifest.append(landed)
        failpoint("landing.after_manifest")
        return landed

    def load_new(self, kind: str, terms: Terms, *, segments_only: bool = False) -> list[IngestResult]:
        """Load every file of `kind` that is not done, in the order of the manifest and then by name."""
        folder = self.home.landing(self.name, kind)
        known = {landed.file: landed for landed in self.manifest if landed.kind == kind}
        done = self.files.done(kind)
        intakes = []
        for path in arrivals(folder, known, done):
            if segments_only and not is_segment(path.name):
                continue
            try:
                content = fingerprint(path) if takeable(path) else FileFingerprint("", 0, crlf=False, odd=False)
            except OSError as error:  # a file of another user, or a bad sector: it waits, named, and the others go on
                reason = f"the file cannot be read ({error.strerror}): it waits"
                _LOG.warning("%s: %s", path, reason)
                self.unread.append(path)
                intakes.append(IngestResult(kind, shown(path, folder), 0, 0, 1, {reason: 1}))
                continue
            if (shown(path, folder), content.sha256) not in done:
                intakes += self.load(self.register(kind, path, content, terms))
        return intakes

    def load(self, landed: ManifestEntry) -> list[IngestResult]:
        """Load one landed file; nothing if it is gone or changes while it is read (its new content is a new file)."""
        path = self.home.landing(self.name, landed.kind) / landed.file
        try:
            if not takeable(path):
                if landed.sha256:
                    raise FileNotFoundError(path)
                raise UnreadableError(why_not(path))
            content = fingerprint(path)
            if content.sha256 != landed.sha256:
                _LOG.warning("%s has changed since it was landed; its new content is ingested as a new file", path)
                return []
            if is_sealed(path.name) and not is_intact(path, content.sha256):
                raise UnreadableError("the segment was damaged on disk: it does not hold the bytes that were sealed")
            with self.staged(landed.kind, path, content, Columns(), landed.terms) as stage:
                # a file that was still written to is loaded once it is complete
                return [] if fingerprint(path) != content else [self.commit(stage, landed)]
        except FileNotFoundError:
            _LOG.warning("%s is gone; rows that only it held are not in the warehouse", path)
            return []
        except (UnreadableError, RatchetError) as error:
            if isinstance(error, RatchetError) and error.code != "missing_column":
                raise
            reason = str(error)
        counts = report_file(self._report(landed.kind, landed.file), landed.file, reason, path)
        intake = IngestResult(landed.kind, landed.file, 0, 0, 1, counts)
        failpoint("landing.after_rejects")
        self._finish(landed, None, intake, retry=False)
        return [intake]

    @contextmanager
    def staged(self, kind: str, path: Path, found: FileFingerprint, columns: Columns, terms: Terms) -> Iterator[Stage]:
        """Read and judge a file into the staging tables."""
        landing = self.home.landing(self.name, kind)  # a file from elsewhere, which the user names, may be a link
        part_of = path.parent if is_part(path, landing) else None
        with (
            tempfile.TemporaryDirectory(prefix="ratchet-") as scratch,
            hold_plain_file(path if landing in path.parents else path.resolve(), part_of) as source,
        ):
            # DuckDB gets a link with a plain name, since the file's own may hold wildcards
            plain = Path(scratch) / "file"
            plain.symlink_to(source)
            former = self.again and not was_refused_whole(self._report(kind, shown(path, landing)))
            reader = StagingReader(self.connection, KINDS[kind], columns, terms, is_segment(path.name, found.sha256))
            opened, encoding = read_whole_or_lines(reader, plain, path.name, found, Path(scratch), former=former)
            stage = Stage(self.connection, reader.kind, self.name, opened.form, encoding)
            if stage.holds_nothing() and holds_content(opened.path, opened.form):
                raise UnreadableError("no row could be read from the file")
            stage.judge(terms.now)
            yield stage

    def commit(self, stage: Stage, landed: ManifestEntry, *, delivered_as: str | None = None) -> IngestResult:
        """Publish the report on rejected rows, then insert the others and mark the file as done, in one transaction.

        `delivered_as` is the name of the delivery of which `landed` is the segment: it holds accepted and waiting rows
        only, and the report on the others has been published.
        """
        accepted, duplicate, late = stage.counts()
        waiting, duplicate = (True, 0) if delivered_as else (None, duplicate)
        counts = report_rows(
            self._report(landed.kind, landed.file),
            lambda path: stage.write_rejects(path, delivered_as or landed.file, waiting=waiting),
            self.home.landing(self.name, landed.kind) / landed.file,
        )
        failpoint("landing.after_rejects")
        intake = IngestResult(
            landed.kind, landed.file, accepted, duplicate, sum(counts.values()), counts,
            stage.unknown_labels(landed.labels), stage.nulled(), stage.encoding,
        )  # fmt: skip
        self._finish(landed, stage, intake, retry=late > 0)
        return intake

    def _finish(self, landed: ManifestEntry, stage: Stage | None, intake: IngestResult, *, retry: bool) -> None:
        first = first_entry(self.manifest, landed)
        self.connection.execute("BEGIN")
        try:
            self.files.note_outcome(landed, intake.reasons, intake.nulled)
            if stage:
                stage.admit(first.seq, first.terms.now)
                stage.note_waiting(landed, first.terms.now)
            self.files.mark(landed, intake, retry=retry)
            failpoint("landing.before_commit")
            self.connection.execute("COMMIT")
        except duckdb.Error:
            self.connection.execute("ROLLBACK")
            raise
        failpoint("landing.after_commit")

    def _report(self, kind: str, file: str) -> Path:
        return self.home.rejected(self.name) / reject_name(kind, file)
