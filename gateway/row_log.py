"""Where the gateway's rows go: one journal for each classifier and kind; and what is done when the disk takes no more.

Add a kind of row here, with its columns; how rows survive is `ratchet/storage/journal/journal.py`, the room that is
held back for the ledger and the flags `ratchet/storage/reserved_space.py`.
"""

import errno
import os
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ratchet.data.records import KINDS
from ratchet.rollout.evidence import PAIR_COLUMNS
from ratchet.storage.home import Home
from ratchet.storage.journal.journal import Journal
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


@dataclass
class RowLog:
    """The journals of a home, opened when their first row comes.

    Once the disk was full, and until the ballast holds room again, no row is tried: the room that the ballast gave back
    is for the ledger and the flags.
    """

    home: Home
    seal_s: float = 60.0
    ballast_bytes: int = 0
    trouble: str = ""
    """Why rows cannot be written just now, in a sentence without any path; empty when they can."""
    _journals: dict[tuple[str, str], Journal] = field(default_factory=dict)

    @property
    def ballast(self) -> ReservedSpace:
        """The room that is held back."""
        return ReservedSpace(self.home.ballast, self.ballast_bytes)

    def append(self, classifier: str, kind: str, row: Mapping[str, Any]) -> "Future[None]":
        """Add a row; the future is done once it is on disk. Raises OSError where it is known at once that it cannot
        be."""
        if self.ballast.spent and self.ballast_bytes:
            self.trouble = _describe(None)
            raise OSError(errno.ENOSPC, self.trouble)
        try:
            done = self.journal(classifier, kind).append(row)
        except OSError as error:
            self._meet(error)
            raise
        done.add_done_callback(lambda done: self._meet(done.exception()))
        return done

    def journal(self, classifier: str, kind: str) -> Journal:
        """The journal of one kind of row; raises OSError when it cannot be written."""
        key = classifier, kind
        if key not in self._journals or self._journals[key].stopped:
            self._journals[key] = Journal(
                self.home.journal(classifier, kind),
                self.target(classifier, kind),
                RowSchema(kind, _COLUMNS[kind]),
                seal_s=self.seal_s,
            )
        return self._journals[key]

    def target(self, classifier: str, kind: str) -> Path:
        """The folder that receives the segments of one kind."""
        others = {FEEDBACK: self.home.feedback, PAIRS: self.home.pairs, CONFLICTS: self.home.rejected}
        return others[kind](classifier) if kind in others else self.home.landing(classifier, kind)

    def recover(self, classifiers: list[str]) -> None:
        """Seal what an earlier process left behind."""
        for classifier in classifiers:
            for kind in _COLUMNS:
                if self.home.journal(classifier, kind).is_dir():
                    self.journal(classifier, kind)

    def tend(self) -> None:
        """Hold room back again where there is room: rows are taken from then on."""
        spent = self.ballast.spent
        if self.ballast.fill():
            self.trouble = "" if spent else self.trouble
        elif spent:  # perhaps another process let it go
            self.trouble = _describe(None)

    def close(self) -> None:
        """Seal everything and end."""
        for journal in self._journals.values():
            journal.close()
        self._journals.clear()

    def _meet(self, error: BaseException | None) -> None:
        if is_full(error):
            release(self.home.ballast)
        self.trouble = "" if error is None else _describe(error)


def _describe(error: BaseException | None) -> str:
    """The sentence for a disk that refuses; None is a disk that is full."""
    code = errno.ENOSPC if error is None or is_full(error) else getattr(error, "errno", None)
    return f"The disk takes no rows: {os.strerror(code) if code else 'the journal has stopped'}."
