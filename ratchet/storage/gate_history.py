"""History of the gates: one line for each verdict of a cycle, in the order in which they fell.

A receipt is replaced when its week runs again, so that only this file knows that a gate blocked a week which passed
later. It decides nothing: add here another fact that `ratchet gates` counts by.
"""

import json
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from ratchet.core.files import append_line, read_if_there, whole_lines
from ratchet.core.filesystem import DISK, FileSystem
from ratchet.storage.home import Home
from ratchet.storage.receipt_file import Receipt


@dataclass(frozen=True)
class GateLine:
    """One verdict: when it fell, on which week, by which gate, its outcome and reason, and its receipt."""

    ts: str
    week: str
    gate: str
    outcome: str
    reason: str
    receipt: str = ""


@dataclass(frozen=True)
class GateHistory:
    """The histories of a home, one for each classifier."""

    home: Home
    disk: FileSystem = DISK

    def append(self, receipt: Receipt, now: datetime | None = None) -> None:
        """Append the verdict of a receipt."""
        at = (now or datetime.now(UTC)).isoformat(timespec="seconds")
        line = GateLine(at, receipt.week, receipt.gate, receipt.verdict.outcome, receipt.verdict.reason, receipt.digest)
        append_line(self._path(receipt.classifier), json.dumps(asdict(line), ensure_ascii=False), self.disk)

    def read(self, classifier: str) -> list[GateLine]:
        """Read every line, oldest first; one that cannot be read, as after a crash, is left out."""
        found = []
        for line in whole_lines(read_if_there(self._path(classifier), self.disk) or b""):
            try:
                document = json.loads(line)
                found.append(GateLine(**{each.name: str(document[each.name]) for each in fields(GateLine)}))
            except (ValueError, KeyError, TypeError, RecursionError):
                continue
        return found

    def _path(self, classifier: str) -> Path:
        return self.home.classifier(classifier) / "gate_history.jsonl"
