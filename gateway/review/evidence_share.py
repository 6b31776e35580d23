"""Share of compared requests that are drawn as evidence: those are queued by the promoter, agreements among them, and
never by value, so that no reason tells whoever labels that the answers differ.

Add here another fact of a rollout that the feed must know; the draw is `ratchet/rollout/evidence/stream.py`.
"""

from dataclasses import dataclass, field
from datetime import datetime

from ratchet.core.errors import RatchetError
from ratchet.rollout.evidence.stream import Stream
from ratchet.storage.home import Home
from ratchet.storage.review.evidence_rates import rates_path, read_rates
from ratchet.storage.rollout.ledger import Ledger

_Seen = tuple[tuple[int, int], ...]


@dataclass
class EvidenceShare:
    """Rates in force, read again when ledger or rates change. Used by one thread."""

    home: Home
    _known: dict[str, tuple[_Seen, Stream | None]] = field(default_factory=dict)

    def at(self, classifier: str, now: datetime) -> float:
        """Return the share, 0..1, of requests that are drawn now; 1 where that cannot be read, so that none goes by
        value."""
        try:
            stream = self._read(classifier)
        except (RatchetError, OSError):
            return 1.0
        return stream.rate_at(now).requests if stream is not None and stream.drawn else 0.0

    def _read(self, classifier: str) -> Stream | None:
        paths = (self.home.ledger(classifier), rates_path(self.home, classifier))
        found = [path.stat() for path in paths if path.is_file()]
        seen = tuple((each.st_mtime_ns, each.st_size) for each in found)
        known = self._known.get(classifier)
        if known is not None and known[0] == seen:
            return known[1]
        entered = Ledger(self.home).state(classifier).entered
        stream = None
        if entered is not None:
            stream = Stream.read(entered.stream, read_rates(self.home, classifier, entered.sequence))
        self._known[classifier] = seen, stream
        return stream
