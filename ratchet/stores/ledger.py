"""The ledger: the append-only history of promotions of one classifier, each entry chained to the one before by hash.

Add here how entries are written and read. Who may be promoted is decided in `ratchet/promotion.py`.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any

from ratchet.errors import RatchetError
from ratchet.files import append_line, read_if_there, whole_lines
from ratchet.filesystem import DISK, FileSystem
from ratchet.identity import digest_json
from ratchet.ledger_head import GENESIS, Head
from ratchet.stores.home import Home


@dataclass(frozen=True)
class Entry:
    """One promotion: who made which adapter live, when and why, in place of which, on which receipts."""

    sequence: int
    ts: str
    actor: str
    action: str
    why: str
    previous_adapter: str | None
    adapter: str
    week: str
    receipts: dict[str, str]
    previous: str

    @property
    def digest(self) -> str:
        """SHA-256 of the entry, which the next one repeats as `previous`."""
        return digest_json(asdict(self))


@dataclass(frozen=True)
class Ledger:
    """The ledgers of a home."""

    home: Home
    disk: FileSystem = DISK

    def entries(self, classifier: str) -> list[Entry]:
        """Every entry, oldest first. A torn tail (crash while appending) is no entry; any other fault raises."""
        path = self.home.ledger(classifier)
        lines = whole_lines(read_if_there(path, self.disk) or b"")
        entries: list[Entry] = []
        for number, line in enumerate(lines, start=1):
            try:
                document: dict[str, Any] = json.loads(line)
                claimed = document.pop("digest")
                entry = Entry(**document)
            except (ValueError, KeyError, TypeError):
                raise _broken(path, number, "cannot be read") from None
            previous = entries[-1].digest if entries else GENESIS
            if entry.digest != claimed or entry.previous != previous or entry.sequence != len(entries) + 1:
                raise _broken(path, number, "does not continue the chain")
            entries.append(entry)
        return entries

    def head(self, classifier: str) -> Head:
        """Number and digest of the newest entry."""
        entries = self.entries(classifier)
        return Head(len(entries), entries[-1].digest) if entries else Head()

    def live(self, classifier: str) -> str | None:
        """Digest of the live adapter, or None before the first promotion."""
        entries = self.entries(classifier)
        return entries[-1].adapter if entries else None

    def append(self, classifier: str, **content: Any) -> Entry:
        """Add an entry after the newest one, durable when this returns. One writer at a time."""
        with self.disk.lock(self.home.classifier(classifier) / ".ledger.lock"):
            entries = self.entries(classifier)
            newest = entries[-1] if entries else None
            entry = Entry(
                sequence=len(entries) + 1,
                previous_adapter=newest.adapter if newest else None,
                previous=newest.digest if newest else GENESIS,
                **content,
            )
            line = json.dumps({**asdict(entry), "digest": entry.digest}, ensure_ascii=False)
            append_line(self.home.ledger(classifier), line, self.disk)
        return entry


def _broken(path: Any, number: int, what: str) -> RatchetError:
    return RatchetError(
        f"{path} line {number} {what}.",
        "The ledger was edited or damaged: restore it from a backup; nothing is promoted on a broken ledger.",
        code="broken_ledger",
    )
