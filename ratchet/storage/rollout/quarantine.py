"""The quarantine of each classifier: `quarantine.jsonl`, signed and append-only, beside the ledger.

Add here what its lines are; the mechanism is `signed_chain.py`, and which weeks they hold is decided in
`ratchet/gates/quarantine.py`.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.errors import BlockedError, RatchetError
from ratchet.core.failpoints import failpoint
from ratchet.core.filesystem import DISK, FileSystem
from ratchet.core.verdict import Verdict
from ratchet.gates.quarantine import (
    ACTIONS,
    HOLD,
    HOLDING_GATES,
    UNQUARANTINE,
    FailedReceipt,
    QuarantineEntry,
    QuarantineState,
    next_action,
    quarantine_after,
    with_older_receipts,
)
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.storage.rollout.signed_chain import SignedChain, digest_after


@dataclass(frozen=True)
class Quarantine:
    """The quarantines of a home. The key that is trusted is that of the ledgers (`home.trust`)."""

    home: Home
    disk: FileSystem = DISK

    def entries(self, classifier: str) -> list[QuarantineEntry]:
        """Read every line, oldest first; a torn tail (crash while appending) is left out.

        Raises `RatchetError` for a line that was edited, is not signed or does not continue the chain: nothing trains
        on a quarantine that cannot be read.
        """
        return self._chain(classifier).read()

    def state(self, classifier: str) -> QuarantineState:
        """Return the weeks that are held now; weeks that a version before this file blocked are held by their
        receipts."""
        receipts, failed = Receipts(self.home), list[FailedReceipt]()
        for week, gate in product(receipts.weeks(classifier), HOLDING_GATES):
            try:
                receipt = receipts.read_gate(Cycle(classifier, parse_week(week)), gate)
            except RatchetError as error:  # it may have failed
                failed.append((week, gate, error.message, {}))
                continue
            if receipt is not None and not receipt.verdict.passed:
                failed.append((week, gate, receipt.verdict.reason, receipt.binds))
        return with_older_receipts(quarantine_after(self.entries(classifier)), failed)

    def need_released(self, classifier: str, weeks: Iterable[str]) -> None:
        """Raise `BlockedError` where one of the `weeks` that a candidate learned from is held now."""
        if held := sorted(set(weeks) & set(self.state(classifier).weeks)):
            raise BlockedError(f"it learned from the week of {held[0]}, which is quarantined", code="quarantined")

    def take(self, classifier: str, week: str, gate: str, verdict: Verdict, rows: str, actor: str) -> str:
        """Record what a gate's verdict on a week changes, and return that action; '' where it changes nothing."""
        with self._locked(classifier):
            action = next_action(self.state(classifier), week, gate, verdict, rows)
            if action:
                self._append(classifier, action, week, gate, verdict.reason, rows, actor)
            return action

    def adopt(self, classifier: str, week: str, actor: str) -> None:
        """Write the holds of a week that only receipts of an earlier version show, before these are removed."""
        with self._locked(classifier):
            known = quarantine_after(self.entries(classifier)).known
            for hold in self.state(classifier).held.get(week, {}).values():
                if (week, hold.gate) not in known:
                    self._append(classifier, HOLD, week, hold.gate, hold.why, hold.rows, actor)

    def unquarantine(self, classifier: str, week: str, why: str, actor: str) -> list[str]:
        """Let a held week be used all the same, as long as its rows are those that were judged; return its gates.

        Raises `RatchetError` for a week that is not held.
        """
        with self._locked(classifier):
            state = self.state(classifier)
            holds = list(state.held.get(week, {}).values())
            if not holds:
                raise RatchetError(
                    f"the week of {week} of {classifier} is not quarantined"
                    f" (quarantined: {', '.join(state.weeks) or 'none'}).",
                    "Nothing is left to do.",
                    code="not_quarantined",
                )
            for hold in holds:
                self._append(classifier, UNQUARANTINE, week, hold.gate, why, hold.rows, actor)
        return [hold.gate for hold in holds]

    def _locked(self, classifier: str) -> AbstractContextManager[None]:
        return self.disk.lock(self.home.classifier(classifier) / ".quarantine.lock")

    def _append(self, classifier: str, action: str, week: str, gate: str, why: str, rows: str, actor: str) -> None:
        def make(entries: Sequence[QuarantineEntry]) -> QuarantineEntry:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            return QuarantineEntry(len(entries) + 1, now, actor, action, week, gate, why, rows, digest_after(entries))

        self._chain(classifier).append(make)

    def _chain(self, classifier: str) -> SignedChain[QuarantineEntry]:
        return SignedChain(
            self.home, self.home.quarantine(classifier), QuarantineEntry, lambda entry: entry.action in ACTIONS,
            signed_as=f"quarantine {classifier}", origin=f"quarantine/{classifier}", broken=_broken,
            before_line=lambda: failpoint("quarantine.before_line"),
            before_checkpoint=lambda: failpoint("quarantine.before_checkpoint"), disk=self.disk,
        )  # fmt: skip


def _broken(path: Path, what: str) -> RatchetError:
    return RatchetError(
        f"{path} {what}.",
        "The quarantine was edited or damaged: restore it from a backup; nothing trains on weeks that may be held.",
        code="broken_quarantine",
    )
