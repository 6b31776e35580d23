"""Log of files that left with requests, and of rows that came back: `review/exports.jsonl` and `review/imports.jsonl`.

An export says how each request was chosen and whether its file showed predictions, so that no edit of the file changes
either. Add here another fact that must not hang on the file; both logs are append-only, each line with its checksum.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ratchet.core.digests import digest_json
from ratchet.review.given_answer import GivenAnswer
from ratchet.storage.home import Home
from ratchet.storage.review.event_log import append_checked, read_lines

_DIGEST_CHARS = 20


@dataclass(frozen=True)
class ExportedBatch:
    """One file that left."""

    ts: str
    person: str
    batch: str
    predictions: bool
    chosen: Mapping[str, str]
    """Way in which the queue had chosen each request, by its id."""


@dataclass(frozen=True)
class ExchangeLog:
    """Both logs of one classifier."""

    home: Home
    classifier: str

    def add_export(self, export: ExportedBatch) -> None:
        """Add a file that is about to be written; durable on return."""
        append_checked(self.home.review(self.classifier), "exports", [asdict(export)])

    def exports(self) -> list[ExportedBatch]:
        """Read every export, oldest first."""
        rows = self._read("exports")
        return [ExportedBatch(**{name: row[name] for name in ExportedBatch.__dataclass_fields__}) for row in rows]

    def showed(self, person: str, request_id: str) -> bool:
        """Return True where a file that this person exported held the request with its prediction."""
        path = self.home.review(self.classifier) / "exports.jsonl"
        word = json.dumps(request_id, ensure_ascii=False).encode("utf-8", "surrogatepass")
        # bytes first: most requests never left in a file
        if not path.exists() or word not in path.read_bytes():
            return False
        return any(each.predictions and each.person == person and request_id in each.chosen for each in self.exports())

    def add_imported(self, ts: str, file: str, digests: Sequence[str]) -> None:
        """Add the rows that were taken, by digest; durable on return."""
        if digests:
            append_checked(self.home.review(self.classifier), "imports", [{"ts": ts, "file": file, "rows": [*digests]}])

    def imported(self) -> set[str]:
        """Return the digests of all rows that were taken."""
        return {str(digest) for row in self._read("imports") for digest in row.get("rows") or ()}

    def _read(self, stem: str) -> list[dict[str, Any]]:
        path = self.home.review(self.classifier) / f"{stem}.jsonl"
        return [row for row, _, _ in read_lines(path, 0)] if path.exists() else []


def digest_of(given: GivenAnswer, person: str) -> str:
    """Return the name of a row: the same answer of a person to the same question, whatever file brings it."""
    content = [given.request_id, person, given.label, given.answer, given.skipped, given.note, given.batch]
    return digest_json(content)[:_DIGEST_CHARS]
