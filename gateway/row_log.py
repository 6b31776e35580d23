"""Journals of the gateway's rows, one for each classifier and kind, and what happens when the disk is full.

Add a kind of row here, with its columns; how rows survive a crash is `ratchet/storage/journal/journal.py`, the space
reserved for the ledger and the flags is `ratchet/storage/reserved_space.py`.
"""

import errno
import os
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from functools import partial
from pathlib import Path
from typing import Any

from ratchet.core.cycle import monday_of
from ratchet.data.records import KINDS
from ratchet.rollout.evidence.pairs_sql import PAIR_COLUMNS
from ratchet.storage.home import Home
from ratchet.storage.journal.journal import Journal
from ratchet.storage.journal.recent_rows import count_rows
from ratchet.storage.journal.sealed_names import note_sealed
from ratchet.storage.journal.segments import RowSchema
from ratchet.storage.reserved_space import ReservedSpace, is_full, release

REQUESTS, CORRECTIONS, FEEDBACK, PAIRS, CONFLICTS = "production_logs", "corrections", "feedback", "pairs", "conflicts"
_COLUMNS: dict[str, dict[str, str]] = {
    REQUESTS: {
        **{c.name: c.sql for c in KINDS[REQUESTS].columns},
        "slot": "VARCHAR",
        "action": "VARCHAR",
        "path": "VARCHAR",
        "runtime": "VARCHAR",
        "flag_reason": "VARCHAR",
        "user_hmac": "VARCHAR",
    },
    CORRECTIONS: {c.name: c.sql for c in KINDS[CORRECTIONS].columns},
    FEEDBACK: {
        "request_id": "VARCHAR",
        "ts": "TIMESTAMPTZ",
        "verdict": "VARCHAR",
        "label": "VARCHAR",
        "source": "VARCHAR",
    },
    PAIRS: dict(PAIR_COLUMNS),
    CONFLICTS: {
        "request_id": "VARCHAR",
        "ts": "TIMESTAMPTZ",
        "kind": "VARCHAR",
        "said": "VARCHAR",
        "reason": "VARCHAR",
    },
}
_ASIDE = dict.fromkeys(column.name for column in KINDS[CORRECTIONS].columns if column.aside)
"""Columns that only the review queue fills."""


@dataclass
class RowLog:
    """Journals of a home, each opened for its first row.

    Once the disk was full, no row is written until the reserved space is held again: the space that was released is for
    the ledger and the flags.
    """

    home: Home
    seal_s: float = 60.0
    ballast_bytes: int = 0
    trouble: str = ""
    """Sentence, without any path, that says why rows cannot be written now; empty if they can."""
    _journals: dict[tuple[str, str], Journal] = field(default_factory=dict)
    _appended: Counter[tuple[str, str, date]] = field(default_factory=Counter)
    _before: dict[tuple[str, str, date], int] = field(default_factory=dict)

    @property
    def ballast(self) -> ReservedSpace:
        """Disk space that is reserved."""
        return ReservedSpace(self.home.ballast, self.ballast_bytes)

    def append(self, classifier: str, kind: str, row: Mapping[str, Any]) -> "Future[None]":
        """Add a row; the future is done once it is on disk. Raises OSError if the row is known at once to fail."""
        self.check_space()
        try:
            done = self.journal(classifier, kind).append({**_ASIDE, **row} if kind == CORRECTIONS else row)
        except OSError as error:
            self._note_outcome(error)
            raise
        done.add_done_callback(lambda done: self._note_outcome(done.exception()))
        self._appended[classifier, kind, monday_of(datetime.now(UTC).date())] += 1
        return done

    def check_space(self) -> None:
        """Raise OSError while the space that a full disk released is for the ledger and the flags alone."""
        if self.ballast.spent and self.ballast_bytes:
            self.trouble = _describe(None)
            raise OSError(errno.ENOSPC, self.trouble)

    def count_week(self, classifier: str, kind: str, monday: date) -> int:
        """Count the rows that arrived in the week of `monday`, before a restart too. Reads files once a week."""
        key = classifier, kind, monday
        if key not in self._before:
            since = datetime.combine(monday, time(tzinfo=UTC))
            stored = count_rows(self.home.journal(classifier, kind), self.target(classifier, kind), since)
            self._before[key] = max(0, stored - self._appended[key])
        return self._before[key] + self._appended[key]

    def journal(self, classifier: str, kind: str) -> Journal:
        """Return the journal of one kind of row; raises OSError if it cannot be written."""
        key = classifier, kind
        if key not in self._journals or self._journals[key].stopped:
            self._journals[key] = Journal(
                self.home.journal(classifier, kind),
                self.target(classifier, kind),
                RowSchema(kind, _COLUMNS[kind]),
                seal_s=self.seal_s,
                sealed=partial(note_sealed, self.home, classifier),
            )
        return self._journals[key]

    def target(self, classifier: str, kind: str) -> Path:
        """Return the folder that receives the segments of one kind."""
        others = {FEEDBACK: self.home.feedback, PAIRS: self.home.pairs, CONFLICTS: self.home.rejected}
        return others[kind](classifier) if kind in others else self.home.landing(classifier, kind)

    def recover(self, classifiers: list[str]) -> None:
        """Seal the rows that an earlier process left in its journals."""
        for classifier in classifiers:
            for kind in _COLUMNS:
                if self.home.journal(classifier, kind).is_dir():
                    self.journal(classifier, kind)

    def tend(self) -> None:
        """Reserve space again if the disk has room; rows are written again from then on."""
        spent = self.ballast.spent
        if self.ballast.fill():
            self.trouble = "" if spent else self.trouble
        elif spent:  # another process may have released the space
            self.trouble = _describe(None)

    def close(self) -> None:
        """Seal and close every journal."""
        for journal in self._journals.values():
            journal.close()
        self._journals.clear()

    def _note_outcome(self, error: BaseException | None) -> None:
        if is_full(error):
            release(self.home.ballast)
        self.trouble = "" if error is None else _describe(error)


def _describe(error: BaseException | None) -> str:
    """Return the sentence for an error of the disk; None means a full disk."""
    code = errno.ENOSPC if error is None or is_full(error) else getattr(error, "errno", None)
    return f"Rows cannot be written: {os.strerror(code) if code else 'the journal has stopped'}."
