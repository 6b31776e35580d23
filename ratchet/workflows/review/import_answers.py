"""Import of answers from a file: each row is taken once, or refused with a reason; nothing is taken twice.

Who was asked, how a request was chosen and whether predictions were shown stands in the log of exports, never in the
file alone. Add here another reason to refuse a row; its words are `ratchet/review/given_answer.py`.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ratchet.config.spec import Spec
from ratchet.core.errors import RatchetError
from ratchet.core.failpoints import failpoint
from ratchet.review.given_answer import (
    ACCEPTED,
    BAD_ANSWER,
    BLANK,
    BY_SUSPENDED,
    NOT_ASKED,
    NOT_LISTED,
    OUTCOMES,
    REFUSED,
    REPEATED,
    SKIPPED,
    UNKNOWN_LABEL,
    UNKNOWN_REQUEST,
    GivenAnswer,
    RowOutcome,
)
from ratchet.review.notes import clean_note
from ratchet.storage.home import Home
from ratchet.storage.review.answer_files import read_answers
from ratchet.storage.review.exchange_log import ExchangeLog, ExportedBatch, digest_of
from ratchet.storage.specs import Specs
from ratchet.workflows.review.answer import land_corrections, local_annotator, person_of
from ratchet.workflows.review.local_review import need_not_suspended
from ratchet.workflows.review.queue import ReviewQueue

_CODES = {"not_queued": UNKNOWN_REQUEST, "bad_label": UNKNOWN_LABEL, "bad_answer": BAD_ANSWER, "bad_name": NOT_LISTED,
          "not_listed": NOT_LISTED, "suspended": BY_SUSPENDED}  # fmt: skip


@dataclass(frozen=True)
class ImportResult:
    """Outcome of a file: that of each row, in the order of the file."""

    file: str
    rows: tuple[RowOutcome, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Return the number of rows by outcome, of outcomes that occur."""
        found = Counter(row.outcome for row in self.rows)
        return {outcome: found[outcome] for outcome in OUTCOMES if found[outcome]}

    @property
    def refused(self) -> tuple[RowOutcome, ...]:
        """The rows that were refused."""
        return tuple(row for row in self.rows if row.outcome in REFUSED)


def import_answers(home: Home, name: str, path: Path) -> ImportResult:
    """Take the answers of a file as corrections, and say what became of each row.

    Everything that is taken is durable on return, and the same file once more changes nothing. Raises `RatchetError`
    for a file that cannot be read.
    """
    given, spec = read_answers(path), Specs(home)[name]
    queue = ReviewQueue.open(home, name, spec)
    try:
        work = _Import(home, spec, queue, ExchangeLog(home, name))
        outcomes = tuple(work.take(each) for each in given)
        work.finish(str(path))
    finally:
        queue.close()
    return ImportResult(str(path), outcomes)


@dataclass
class _Import:
    """One import: rows are judged one by one, and land together."""

    home: Home
    spec: Spec
    queue: ReviewQueue
    log: ExchangeLog
    _began: datetime = field(default_factory=lambda: datetime.now(UTC))
    _rows: list[dict[str, Any]] = field(default_factory=list)
    _skips: list[tuple[str, str]] = field(default_factory=list)
    _digests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._taken, self._exports = self.log.imported(), self.log.exports()
        self._persons: dict[str, str | RatchetError] = {}

    def take(self, given: GivenAnswer) -> RowOutcome:
        """Judge one row, and keep it for the landing."""
        try:
            outcome, why = self._judge(given)
        except RatchetError as error:
            outcome, why = _CODES.get(error.code, BAD_ANSWER), error.message
        return RowOutcome(given.place, given.request_id, outcome, why)

    def finish(self, file: str) -> None:
        """Let the rows land; they are durable first, then they are noted as taken."""
        if self._rows:
            land_corrections(self.home, self.spec.name, self._rows)
            failpoint("review.after_import")
        for row in self._rows:
            self.queue.record(row)
        for person, request_id in self._skips:
            self.queue.skip(person, request_id)
        self.log.add_imported(self._began.isoformat(), file, self._digests)

    def _judge(self, given: GivenAnswer) -> tuple[str, str]:
        if given.problem:
            return BAD_ANSWER, given.problem
        if given.is_blank:
            return BLANK, ""
        if not given.request_id:
            return BAD_ANSWER, "it has no request_id"
        person = self._person(given.annotator)
        digest = digest_of(given, person)
        if digest in self._taken:
            return REPEATED, ""
        exports = self._exports_of(given)
        try:
            note = clean_note(given.note)
        except ValueError as error:
            return BAD_ANSWER, f"note: {error}"
        row = self.queue.correction(
            person, person, given.request_id, label=given.label,
            answer=given.answer or ("cannot_tell" if given.skipped else None),
            saw_prediction=given.saw_prediction or any(each.predictions for each in exports), seconds=given.seconds,
            note=note, batch=given.batch or (exports[-1].batch if exports else None),
        )  # fmt: skip
        if not exports and not self.queue.is_asked(person, given.request_id, given.batch):
            return NOT_ASKED, OUTCOMES[NOT_ASKED]
        self._taken.add(digest)
        self._digests.append(digest)
        if given.skipped:
            self._skips.append((person, given.request_id))
            return SKIPPED, ""
        if datetime.fromisoformat(str(row["ts"])) < self._began:
            return REPEATED, ""
        self._rows.append({**row, **_as_exported(given.request_id, exports)})
        return ACCEPTED, ""

    def _person(self, name: str) -> str:
        """Return the person of a row; raises `RatchetError` for one whose labels do not count."""
        if name not in self._persons:
            try:
                person = person_of(self.spec, name) if name else local_annotator(self.spec)
                need_not_suspended(self.home, self.spec, person)
                self._persons[name] = person
            except RatchetError as error:
                self._persons[name] = error
        found = self._persons[name]
        if isinstance(found, RatchetError):
            raise found
        return found

    def _exports_of(self, given: GivenAnswer) -> Sequence[ExportedBatch]:
        """Return the exports that held this row, the oldest first: those of its batch, or all without one."""
        return [each for each in self._exports if given.request_id in each.chosen and given.batch in ("", each.batch)]


def _as_exported(request_id: str, exports: Sequence[ExportedBatch]) -> dict[str, Any]:
    """Return how the queue had chosen a request when it left; an index that was made anew has forgotten it."""
    return {"batch": exports[-1].batch, "chosen": exports[-1].chosen[request_id]} if exports else {}
