"""The landing folders: production logs and corrections are ingested once each, and every rejected row is kept.

Add here ways in which files arrive. Loading a file so that the next run can go on after a crash is `loader.py`, the
checks of its rows are `staging.py`, the rules about rows `ratchet/data/row_rules.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from ratchet.config.people import persons_by_name
from ratchet.config.spec import Spec
from ratchet.core.errors import RatchetError
from ratchet.core.failpoints import failpoint
from ratchet.core.files import publish_file
from ratchet.data.records import KINDS, Terms, check_mapping, kind_of
from ratchet.ingest.known_labels import known_labels
from ratchet.ingest.loader import Loader
from ratchet.ingest.quiet_folders import QuietLook, is_quiet
from ratchet.ingest.reading.salvage import FileFingerprint, fingerprint
from ratchet.ingest.reading.sources import Columns
from ratchet.ingest.rejects import reject_name, report_file, report_rows
from ratchet.ingest.repeated_loads import rejudge, retry_waiting
from ratchet.ingest.result import IngestResult
from ratchet.ingest.row_counts import write_counts
from ratchet.ingest.segment_names import is_segment, next_seq, segment_name, shown, staged
from ratchet.ingest.staging import Stage
from ratchet.ingest.watched_loader import WatchedLoader
from ratchet.storage.first_week import note_first_week
from ratchet.storage.home import Home
from ratchet.storage.review.local_answers import land_left_answers
from ratchet.storage.row_files.formats import SUFFIXES, UnreadableError, form_of
from ratchet.storage.warehouse import Warehouse

__all__ = ["IngestResult", "Landing"]


@dataclass(frozen=True)
class Landing:
    """The landing folders of a home."""

    home: Home
    warehouse: Warehouse

    def take(self, spec: Spec, *, now: datetime | None = None) -> list[IngestResult]:
        """Load everything new in the landing folders of `spec.name`, logs first, then corrections and examples.

        Returns one `IngestResult` for each new file, and for each earlier file of corrections with a waiting row that
        was accepted now.
        """
        terms = Terms.of(spec, now)
        land_left_answers(self.home, spec.name)
        if is_quiet(self.home, spec, terms.now):
            return []
        look = QuietLook(self.home, spec)
        with self.warehouse.connect() as connection:
            loader = WatchedLoader.of(connection, self.home, spec.name)
            loader.files.name_people(persons_by_name(spec.people))
            terms = replace(terms, labels=known_labels(self.home, spec, loader.manifest))
            intakes = rejudge(loader, "production_logs", terms) + loader.load_new("production_logs", terms)
            intakes += retry_waiting(loader) + rejudge(loader, "corrections", terms)
            intakes += loader.load_new("corrections", terms)
            intakes += rejudge(loader, "labelled_examples", terms) + loader.load_new("labelled_examples", terms)
            if not loader.unread:
                look.confirm(loader.files.next_change(terms.now))
            write_counts(self.home, spec.name, loader.files.counts(terms.now))
            note_first_week(self.home, spec.name, loader.files.first_week())
            return intakes

    def deliver(
        self,
        spec: Spec,
        kind: str,
        source: Path,
        *,
        columns: Mapping[str, str] | None = None,
        saw_prediction: bool | None = None,
        original: Path | None = None,
        now: datetime | None = None,
    ) -> IngestResult:
        """Ingest the file `source`: land its accepted rows as one Parquet segment, load them, and report the rest.

        `original` is the file that a person named, where `source` was made of it (`ratchet/ingest/conversion.py`).
        `columns` maps our names to the file's (`{"text": "body"}`); `saw_prediction` stands for the column of that name
        in a file of corrections that has none. Corrections whose request is unknown are landed too and wait. Raises
        `RatchetError` when `source` is not a file of a known format or lacks a required column.
        """
        terms = Terms.of(spec, now)
        check_mapping(kind_of(kind), columns or {})
        names = Columns(columns or {}, saw_prediction if kind == "corrections" else None)
        _check_source(source)
        with self.warehouse.connect() as connection:
            loader = WatchedLoader.of(connection, self.home, spec.name)
            loader.files.name_people(persons_by_name(spec.people))
            terms = replace(terms, labels=known_labels(self.home, spec, loader.manifest))
            for each in KINDS:
                loader.load_new(each, terms, segments_only=True)
            if kind == "corrections":
                retry_waiting(loader)
            content, given = fingerprint(source), original or source
            mark = content if original is None else fingerprint(original)
            report = self.home.rejected(spec.name) / reject_name(kind, shown(given), mark.sha256)
            try:
                with replace(loader, named=True).staged(kind, source, content, names, terms) as stage:
                    return self._land(loader, stage, given, report, terms)
            except UnreadableError as error:
                return IngestResult(kind, shown(given), 0, 0, 1, report_file(report, shown(given), str(error), given))
            except RatchetError as error:
                raise RatchetError(
                    f"{given}: {error.message}", error.hint, code=error.code, details=error.details
                ) from None

    def _land(self, loader: Loader, stage: Stage, source: Path, report: Path, terms: Terms) -> IngestResult:
        file = shown(source)
        kind, folder = stage.kind.name, self.home.landing(loader.name, stage.kind.name)
        stage.known_waiting([folder / name for name, _ in loader.files.waiting(kind) if is_segment(name)])
        accepted, duplicate, late = stage.counts()
        waits = stage.waits()
        counts = report_rows(report, lambda path: stage.write_rejects(path, file, waiting=False), source)
        failpoint("landing.after_rejects")
        if accepted + late:
            folder.mkdir(parents=True, exist_ok=True)
            draft = staged(folder)
            stage.write_segment(draft, file)
            content = fingerprint(draft)
            folders = [self.home.landing(loader.name, each) for each in KINDS]
            segment = folder / segment_name(next_seq(loader.manifest, folders), content.sha256)
            publish_file(draft, segment)
            failpoint("landing.after_segment")
            landed = loader.register(
                kind, segment, FileFingerprint(content.sha256, content.bytes, crlf=False, odd=False), terms
            )
            loader.commit(stage, landed, delivered_as=file)
        counts = {**counts, **waits}
        write_counts(self.home, loader.name, loader.files.counts(terms.now))
        note_first_week(self.home, loader.name, loader.files.first_week())
        return IngestResult(
            kind, file, accepted, duplicate, sum(counts.values()), counts, stage.unknown_labels(terms.labels),
            stage.nulled(), stage.encoding,
        )  # fmt: skip


def _check_source(source: Path) -> None:
    if not source.is_file():
        what = "is a folder" if source.is_dir() else "is not a plain file" if source.exists() else "does not exist"
        raise RatchetError(f"{source} {what}.", f"Give a file that ends in {', '.join(SUFFIXES)}.", code="no_file")
    if form_of(source.name) is None:
        raise RatchetError(
            f"{source.name} ends in {source.suffix or 'nothing'}, which is not a supported format.",
            f"Convert it to one of {', '.join(SUFFIXES)}.",
            code="bad_format",
        )
