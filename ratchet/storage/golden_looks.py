"""Looks at the golden sets of a classifier, `golden_looks.jsonl`: which candidate was judged by which set, append-only.

A candidate that is judged again by the same set is not another look. Add here a fact about a look; the rule on them is
`ratchet/gates/golden_looks.py`.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.errors import RatchetError
from ratchet.core.files import append_line, read_if_there, whole_lines
from ratchet.core.filesystem import DISK, FileSystem
from ratchet.storage.home import Home
from ratchet.storage.receipt_file import Receipt, read_receipt
from ratchet.storage.receipts import Receipts

_GATE = "golden_set_regression"


@dataclass(frozen=True)
class GoldenLook:
    """One candidate, and the golden set by which it was judged; both by digest."""

    golden: str
    adapter: str
    week: str = ""
    ts: str = ""


@dataclass(frozen=True)
class GoldenLooks:
    """The looks at the golden sets of one classifier."""

    home: Home
    name: str
    disk: FileSystem = DISK

    def add(self, cycle: Cycle, golden: str, adapter: str) -> None:
        """Add a look, durable on return, unless this candidate was judged by this set before."""
        if (golden, adapter) in self._logged():
            return
        now = datetime.now(UTC).isoformat(timespec="seconds")
        look = GoldenLook(golden, adapter, str(cycle.week), now)
        append_line(self.home.golden_looks(self.name), json.dumps(asdict(look)), self.disk)

    def count(self, golden: str) -> int:
        """Return how many candidates the golden set of this digest has judged, those of before this file by receipts.

        A line or receipt that cannot be read is passed over: the count only advises.
        """
        found = self._logged() | {(look.golden, look.adapter) for look in self._of_receipts()}
        return sum(of == golden for of, _ in found)

    def _logged(self) -> set[tuple[str, str]]:
        found = set()
        for line in whole_lines(read_if_there(self.home.golden_looks(self.name), self.disk) or b""):
            try:
                row = json.loads(line)
                found.add((str(row["golden"]), str(row["adapter"])))
            except (ValueError, KeyError, TypeError):
                continue
        return found

    def _of_receipts(self) -> Iterator[GoldenLook]:
        receipts = Receipts(self.home)
        read: list[Receipt | None] = []
        for week in receipts.weeks(self.name):
            try:
                read.append(receipts.read_gate(Cycle(self.name, parse_week(week)), _GATE))
            except RatchetError:
                continue
        for path in self.home.kept_receipts(self.name).glob("*.json"):
            try:
                read.append(read_receipt(path))
            except RatchetError:
                continue
        for receipt in read:
            if receipt is not None and receipt.gate == _GATE and {"golden", "adapter"} <= receipt.binds.keys():
                yield GoldenLook(str(receipt.binds["golden"]), str(receipt.binds["adapter"]))
