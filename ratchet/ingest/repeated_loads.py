"""Loads of files that were loaded before: rows that waited, rows that a wider `classifier.toml` takes, and a rebuild.

Add here another reason to read a file again. What is refused now can be taken later; what was taken is never refused.
"""

from dataclasses import replace

from ratchet.core.failpoints import failpoint
from ratchet.data.records import KINDS, Terms
from ratchet.ingest.loader import Loader
from ratchet.ingest.manifest import ManifestEntry, append_entry
from ratchet.ingest.result import IngestResult
from ratchet.ingest.segment_names import next_seq


def retry_waiting(loader: Loader, kind: str = "corrections") -> list[IngestResult]:
    """Load again the files with a row whose production log has come; return those with a row accepted now."""
    loader = replace(loader, again=True)
    answered = _newest(loader, kind, loader.files.answered(kind))
    return [intake for landed in answered for intake in loader.load(landed) if intake.accepted]


def rejudge(loader: Loader, kind: str, terms: Terms) -> list[IngestResult]:
    """Load again, by wider terms, the files with a row that waited for the clock or for `classifier.toml`.

    The terms are a new line of the manifest, so that a rebuild judges the file again at the same place. Returns the
    files with a row accepted now.
    """
    loader = replace(loader, again=True)
    files = _newest(loader, kind, loader.files.due(kind, terms.now))
    files += [
        landed
        for landed in _newest(loader, kind, loader.files.refused_by_spec(kind))
        if _rules(landed.terms.widened(terms)) != _rules(landed.terms)
    ]
    intakes = []
    for landed in sorted(set(files), key=lambda landed: landed.seq):
        wide, folders = landed.terms.widened(terms), [loader.home.landing(loader.name, each) for each in KINDS]
        again = replace(
            landed, seq=next_seq(loader.manifest, folders), labels=wide.labels, max_text_chars=wide.max_text_chars,
            now=wide.now.isoformat(),
        )  # fmt: skip
        append_entry(loader.home.manifest(loader.name), again)
        loader.manifest.append(again)
        failpoint("landing.after_manifest")
        intakes += [intake for intake in loader.load(again) if intake.accepted]
    return intakes


def replay(loader: Loader) -> None:
    """Load every file of the manifest into an empty warehouse, in the original order and by its original terms."""
    loader, fresh = replace(loader, again=True), False
    for landed in list(loader.manifest):
        # as `Landing.take` does: corrections that wait are tried again after new logs, and before new corrections
        if fresh and landed.kind == "corrections":
            retry_waiting(loader)
        loader.load(landed)
        fresh = landed.kind == "production_logs"
    retry_waiting(loader)


def _rules(terms: Terms) -> tuple[tuple[str, ...], int]:
    return terms.labels, terms.max_text_chars


def _newest(loader: Loader, kind: str, files: set[tuple[str, str]]) -> list[ManifestEntry]:
    """Return the newest line of the manifest on each of `files`, in the order in which the files came."""
    found = {
        (landed.file, landed.sha256): landed
        for landed in loader.manifest
        if landed.kind == kind and (landed.file, landed.sha256) in files
    }
    return list(found.values())
