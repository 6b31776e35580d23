"""The quarantine of each classifier: `quarantine.jsonl`, signed and append-only, beside the ledger.

A signed checkpoint vouches for its newest line, so that a cut end is seen. Add here how its lines are written and read;
which weeks they hold is decided in `ratchet/gates/quarantine.py`.
"""

import json
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.errors import BlockedError, RatchetError
from ratchet.core.failpoints import failpoint
from ratchet.core.files import append_line, read_if_there, whole_lines, write_atomically
from ratchet.core.filesystem import DISK, FileSystem
from ratchet.core.verdict import Verdict
from ratchet.gates.quarantine import (
    ACTIONS,
    GENESIS,
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
from ratchet.rollout.ledger_entry import Head
from ratchet.rollout.signatures import is_signed, read_checkpoint, sign, write_checkpoint
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.storage.reserved_space import with_reserve
from ratchet.storage.rollout.signing_key import signing_key, trusted_key


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
        path, entries = self.home.quarantine(classifier), list[QuarantineEntry]()
        anchor = self._anchor(classifier)  # before the lines: it never vouches for more than the file holds
        lines = whole_lines(read_if_there(path, self.disk) or b"")
        key = trusted_key(self.home, self.disk) if lines else None
        for number, line in enumerate(lines, start=1):
            try:
                document: dict[str, Any] = json.loads(line)
                claimed, signature = document.pop("digest"), document.pop("signature")
                entry = QuarantineEntry(**document)
            except (ValueError, KeyError, TypeError, AttributeError):
                raise _broken(path, f"line {number} cannot be read") from None
            previous = entries[-1].digest if entries else GENESIS
            chained = entry.previous == previous and entry.sequence == number and entry.action in ACTIONS
            if entry.digest != claimed or not chained:
                raise _broken(path, f"line {number} does not continue the chain")
            if key is None or not is_signed(key, f"quarantine {classifier}", claimed, str(signature)):
                raise _broken(path, f"line {number} is not signed with this home's key")
            entries.append(entry)
        if anchor is not None:
            check_head(path, entries, anchor)
        return entries

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
        secret, entries = signing_key(self.home, self.disk), self.entries(classifier)
        entry = QuarantineEntry(
            len(entries) + 1, datetime.now(UTC).isoformat(timespec="seconds"), actor, action, week, gate, why, rows,
            entries[-1].digest if entries else GENESIS,
        )  # fmt: skip
        signature = sign(secret, f"quarantine {classifier}", entry.digest)
        line = json.dumps({**asdict(entry), "digest": entry.digest, "signature": signature}, ensure_ascii=False)
        failpoint("quarantine.before_line")
        with_reserve(self.home.ballast, lambda: append_line(self.home.quarantine(classifier), line, self.disk))
        failpoint("quarantine.before_checkpoint")
        note = write_checkpoint(secret, _origin(classifier), Head(entry.sequence, entry.digest))
        path = _checkpoint(self.home, classifier)
        with_reserve(self.home.ballast, lambda: write_atomically(path, note.encode(), disk=self.disk))

    def _anchor(self, classifier: str) -> Head | None:
        """Return the head that the checkpoint vouches for; None in a home of before, until its next line."""
        path = _checkpoint(self.home, classifier)
        note = read_if_there(path, self.disk)
        if note is None:
            return None
        key = trusted_key(self.home, self.disk)
        head = read_checkpoint(key, _origin(classifier), note.decode("utf-8", "replace"))
        if head is None:
            raise _broken(path, "is not signed with this home's key")
        return head


def check_head(path: Path, entries: list[QuarantineEntry], head: Head) -> None:
    """Raise `RatchetError` unless the quarantine at `path` holds the line that was newest for its checkpoint."""
    if head.sequence > len(entries):
        raise _broken(path, f"holds {len(entries)} lines, but the signed checkpoint vouches for {head.sequence}")
    if head.sequence and entries[head.sequence - 1].digest != head.digest:
        raise _broken(path, f"holds another line {head.sequence} than the signed checkpoint vouches for")


def _checkpoint(home: Home, classifier: str) -> Path:
    return home.quarantine(classifier).with_name("quarantine_checkpoint.txt")


def _origin(classifier: str) -> str:
    return f"quarantine/{classifier}"


def _broken(path: Path, what: str) -> RatchetError:
    return RatchetError(
        f"{path} {what}.",
        "The quarantine was edited or damaged: restore it from a backup; nothing trains on weeks that may be held.",
        code="broken_quarantine",
    )
