"""Where the gateway's rows go: one journal for each classifier and kind.

Add a kind of row here, with its columns; how rows survive is `ratchet/stores/journal.py`.
"""

from dataclasses import dataclass, field

from ratchet.records import KINDS
from ratchet.shadow import PAIR_COLUMNS
from ratchet.stores.home import Home
from ratchet.stores.journal import Journal
from ratchet.stores.sealing import Rows

REQUESTS, CORRECTIONS, FEEDBACK, PAIRS = "production_logs", "corrections", "feedback", "pairs"
_COLUMNS: dict[str, dict[str, str]] = {
    REQUESTS: {**{c.name: c.sql for c in KINDS[REQUESTS].columns}, "slot": "VARCHAR", "action": "VARCHAR"},
    CORRECTIONS: {c.name: c.sql for c in KINDS[CORRECTIONS].columns},
    FEEDBACK: {"request_id": "VARCHAR", "ts": "TIMESTAMPTZ", "verdict": "VARCHAR", "label": "VARCHAR", "source": "VARCHAR"},
    PAIRS: dict(PAIR_COLUMNS),
}


@dataclass
class Landing:
    """The journals of a home, opened when their first row comes."""

    home: Home
    seal_s: float = 60.0
    _journals: dict[tuple[str, str], Journal] = field(default_factory=dict)

    def journal(self, classifier: str, kind: str) -> Journal:
        """The journal of one kind of row; raises OSError when it cannot be written."""
        key = classifier, kind
        if key not in self._journals:
            others = {FEEDBACK: self.home.feedback, PAIRS: self.home.pairs}
            target = others[kind](classifier) if kind in others else self.home.landing(classifier, kind)
            self._journals[key] = Journal(
                self.home.journal(classifier, kind), target, Rows(kind, _COLUMNS[kind]), seal_s=self.seal_s
            )
        return self._journals[key]

    def recover(self, classifiers: list[str]) -> None:
        """Seal what an earlier process left behind."""
        for classifier in classifiers:
            for kind in _COLUMNS:
                if self.home.journal(classifier, kind).is_dir():
                    self.journal(classifier, kind)

    def close(self) -> None:
        """Seal everything and end."""
        for journal in self._journals.values():
            journal.close()
        self._journals.clear()
