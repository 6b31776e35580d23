"""Names of a classifier's adapters: which week made each, found in its ledger and in the notes of its cycles.

Add here another file that names an adapter; how a name is written is `ratchet/core/adapter_name.py`.
"""

from collections.abc import Sequence
from contextlib import suppress

from ratchet.core.adapter_name import AdapterName
from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.errors import RatchetError
from ratchet.rollout.ledger_entry import Entry
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.storage.rollout.ledger import Ledger


class AdapterNames:
    """Names of the adapters of one classifier, read when the first is asked for."""

    def __init__(self, home: Home, classifier: str, entries: Sequence[Entry] | None = None) -> None:
        self._home, self._classifier, self._entries = home, classifier, entries
        self._weeks: dict[str, str] | None = None

    def of(self, digest: str) -> AdapterName:
        """Return the name of an adapter, by its digest or the beginning of it; without a week where no file has one."""
        known = self._known()
        whole = next((each for each in known if digest and each.startswith(digest)), digest)
        return AdapterName(whole, known.get(whole, ""))

    def _known(self) -> dict[str, str]:
        if self._weeks is None:
            self._weeks = {**self._from_cycles(), **self._from_ledger()}
        return self._weeks

    def _from_ledger(self) -> dict[str, str]:
        """Return the week of each adapter's first entry: a rollback names the week of what it moves away from."""
        found: dict[str, str] = {}
        try:
            entries = Ledger(self._home).entries(self._classifier) if self._entries is None else self._entries
        except (RatchetError, OSError):
            return found
        for entry in entries:
            if entry.adapter and entry.week:
                found.setdefault(entry.adapter, entry.week)
        return found

    def _from_cycles(self) -> dict[str, str]:
        receipts, found = Receipts(self._home), dict[str, str]()
        for week in reversed(receipts.weeks(self._classifier)):
            with suppress(RatchetError, OSError):  # damaged notes name nothing: whoever judges by them says so
                adapter = receipts.noted(Cycle(self._classifier, parse_week(week))).get("adapter")
                if isinstance(adapter, str):
                    found.setdefault(adapter, week)
        return found
