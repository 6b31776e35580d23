"""Log of who read texts through the gateway, `review/reads-<Monday>.jsonl`: append-only, by key, never a text.

A line is durable before the text is shown. The lines are not signed, since the gateway need not be able to sign; the
file names requests, so it is kept when their texts are gone. Add here a fact about a reading.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from ratchet.core.cycle import monday_of
from ratchet.storage.home import Home
from ratchet.storage.review.event_log import append_checked, read_lines


@dataclass(frozen=True)
class Reading:
    """Texts that were shown at once: to whom, by which key, on which page."""

    ts: str
    key: str
    """Name of the key, empty on an open home."""
    person: str
    page: str
    """`review` or `why`."""
    request_ids: tuple[str, ...]


@dataclass(frozen=True)
class ReadLog:
    """The log of one classifier."""

    home: Home
    classifier: str

    def append(self, key: str, person: str, page: str, request_ids: Sequence[str]) -> None:
        """Add a reading, durable on return; raises OSError, and then nothing may be shown."""
        now = datetime.now(UTC)
        reading = Reading(now.isoformat(timespec="seconds"), key, person, page, tuple(request_ids))
        append_checked(self.home.review(self.classifier), f"reads-{monday_of(now.date())}", [asdict(reading)])

    def read(self) -> list[Reading]:
        """Read every reading, oldest first; a damaged line is left out."""
        folder = self.home.review(self.classifier)
        paths = sorted(folder.glob("reads-*.jsonl")) if folder.is_dir() else []
        return [_reading(row) for path in paths for row, _, _ in read_lines(path, 0)]


def count_by_day(readings: Sequence[Reading]) -> list[tuple[Reading, int]]:
    """Return the newest reading of each key, person, page and day, with the number of texts, in the order of time."""
    counts, newest = Counter[tuple[str, ...]](), dict[tuple[str, ...], Reading]()
    for reading in readings:
        day = reading.ts[:10], reading.key, reading.person, reading.page
        counts[day] += len(reading.request_ids)
        newest[day] = reading
    return sorted(((newest[day], number) for day, number in counts.items()), key=lambda pair: pair[0].ts)


def _reading(row: dict[str, Any]) -> Reading:
    values = {name: str(row.get(name, "")) for name in ("ts", "key", "person", "page")}
    return Reading(**values, request_ids=tuple(map(str, row.get("request_ids") or ())))
