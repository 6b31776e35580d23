"""Receipts of a home: the evidence and verdict of each gate of a cycle, one signed JSON file for each gate.

Add here how receipts are stored; one receipt is `receipt_file.py`. Verdicts are reached in the gates' own modules,
listed in `ratchet/gates/registry.py`.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.errors import RatchetError
from ratchet.core.failpoints import failpoint
from ratchet.core.files import read_if_there, write_atomically, write_json
from ratchet.core.names import DIGEST
from ratchet.core.verdict import Verdict
from ratchet.gates.chain import Link, chain_until
from ratchet.gates.registry import GATES
from ratchet.storage.home import Home
from ratchet.storage.keys.gate_key import gate_key
from ratchet.storage.receipt_file import Receipt, bad_receipt, read_receipt


@dataclass(frozen=True)
class Receipts:
    """The receipts of a home."""

    home: Home

    def write(
        self,
        cycle: Cycle,
        gate: str,
        verdict: Verdict,
        binds: dict[str, Any],
        method: Mapping[str, Any] | None = None,
        *,
        now: datetime | None = None,
    ) -> Receipt:
        """Sign and store the verdict of `gate`, replacing that of an earlier run of the cycle.

        Only the process of the checks calls this: it reads the gate key, and makes the pair the first time.
        """
        chain = chain_until(self.links(cycle), gate)
        plain = Receipt(cycle.classifier, str(cycle.week), gate, verdict, binds, dict(method or {}), chain)
        receipt = plain.sealed(gate_key(self.home), now or datetime.now(UTC))
        failpoint("receipts.before_write")
        write_atomically(self.home.receipts(cycle) / f"{gate}.json", receipt.content)
        return receipt

    def note(self, cycle: Cycle, **facts: Any) -> None:
        """Note what a stage made (digests, sizes) for later stages and for a promotion."""
        write_json(self._notes(cycle), {**self.noted(cycle), **facts})

    def link(self, cycle: Cycle, stage: str, made: Mapping[str, str], **read: str) -> None:
        """Note the digests of what a stage made, and of what it read for that."""
        links = {**self.noted(cycle).get("links", {}), stage: {"made": dict(made), "read": read}}
        self.note(cycle, links=links)

    def links(self, cycle: Cycle) -> dict[str, Link]:
        """Return the digests of each stage as it last ran; empty for a cycle of a version that kept none."""
        noted = self.noted(cycle).get("links", {})
        return {stage: Link(link.get("made", {}), link.get("read", {})) for stage, link in noted.items()}

    def made(self, cycle: Cycle, *names: str) -> dict[str, str]:
        """Return the digests called `names` of what the cycle's stages made last; one that no stage noted is left
        out."""
        found = {name: digest for link in self.links(cycle).values() for name, digest in link.made.items()}
        return {name: found[name] for name in names if name in found}

    def noted(self, cycle: Cycle) -> dict[str, Any]:
        """Return all notes on `cycle`; empty when there are none. Raises `RatchetError` for a damaged file."""
        path = self._notes(cycle)
        if not path.exists():
            return {}
        try:
            noted = json.loads(path.read_bytes())
        except (ValueError, RecursionError):
            raise bad_receipt(path, "cannot be read", "file") from None
        if not isinstance(noted, dict):
            raise bad_receipt(path, "does not hold the notes of a cycle", "file")
        return noted

    def clear(self, cycle: Cycle) -> None:
        """Remove the verdicts of an earlier run of this cycle: a new run starts with no gate passed."""
        for gate in GATES:
            (self.home.receipts(cycle) / f"{gate}.json").unlink(missing_ok=True)
        try:
            noted = self.noted(cycle)
        except RatchetError:  # damaged: the new run writes them anew
            self._notes(cycle).unlink(missing_ok=True)
            return
        if noted:
            write_json(self._notes(cycle), {key: value for key, value in noted.items() if key == "corrections_seen"})

    def keep(self, cycle: Cycle) -> dict[str, str]:
        """Keep the receipts of `cycle` by digest, for as long as the ledger names them; return the digests by gate."""
        receipts = self.read(cycle)
        for receipt in receipts.values():
            target = self.home.kept_receipts(cycle.classifier) / f"{receipt.digest}.json"
            if read_if_there(target) != receipt.content:  # as where the same evidence was signed again
                write_atomically(target, receipt.content)
        return {gate: receipt.digest for gate, receipt in receipts.items()}

    def kept(self, classifier: str, week: str, named: Mapping[str, str]) -> dict[str, Receipt]:
        """Read the kept receipts with the digests `named` by gate.

        Raises `RatchetError` for one that is missing, was changed or belongs to another cycle or gate.
        """
        result = {}
        for gate, digest in named.items():
            path = self.home.kept_receipts(classifier) / f"{digest}.json"
            if not DIGEST.fullmatch(digest) or not path.exists():
                raise bad_receipt(path, "is missing")
            result[gate] = _read_one(path, (classifier, week, gate))
            if result[gate].digest != digest:
                raise bad_receipt(path, "is not the one that the ledger names")
        return result

    def _notes(self, cycle: Cycle) -> Path:
        return self.home.receipts(cycle) / "cycle.json"

    def weeks(self, classifier: str) -> list[str]:
        """List the weeks that have receipts, newest first."""
        folder = self.home.classifier(classifier) / "receipts"
        return sorted((path.name for path in folder.glob("*-*-*") if _is_week(path.name)), reverse=True)

    def corrections_seen(self, classifier: str) -> int:
        """Return the number of corrections that the classifier's cycles have seen; 0 before the first."""
        seen = [0]
        for week in self.weeks(classifier):
            with suppress(RatchetError):  # damaged notes: whoever judges by them says so
                seen.append(self.noted(Cycle(classifier, parse_week(week))).get("corrections_seen", 0))
        return max(seen)

    def read(self, cycle: Cycle) -> dict[str, Receipt]:
        """Read the receipts of `cycle` by gate. Raises `RatchetError` for one that does not match its digest."""
        read = ((gate, self.read_gate(cycle, gate)) for gate in GATES)
        return {gate: receipt for gate, receipt in read if receipt is not None}

    def read_gate(self, cycle: Cycle, gate: str) -> Receipt | None:
        """Read the receipt of one gate, None where there is none; raises as `read` does."""
        path = self.home.receipts(cycle) / f"{gate}.json"
        return _read_one(path, (cycle.classifier, str(cycle.week), gate)) if path.exists() else None


def _is_week(name: str) -> bool:
    """Return True for the name of a week's folder: a copy that a person left beside it is none."""
    try:
        return str(parse_week(name)) == name
    except RatchetError:
        return False


def _read_one(path: Path, place: tuple[str, str, str]) -> Receipt:
    receipt = read_receipt(path)
    if (receipt.classifier, receipt.week, receipt.gate) != place:
        raise bad_receipt(path, f"belongs to {receipt.classifier} {receipt.week} {receipt.gate}")
    return receipt
