"""Trust in receipts: which gate key may have signed them, how old they may be, and which settings they are of.

Age and changed settings bar a candidate from entering a rollout, never what is live, watched or returned to. Add here
another condition on receipts; the verdicts themselves are judged in `ratchet/gates/eligibility.py`.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from ratchet.config.spec import Spec
from ratchet.core.errors import BlockedError
from ratchet.gates.registry import GATES
from ratchet.gates.settings_read import has_same_settings, list_changed
from ratchet.rollout.ledger_entry import Entry
from ratchet.rollout.state import state_after
from ratchet.storage.home import Home
from ratchet.storage.keys.gate_key import gate_public
from ratchet.storage.receipt_file import Receipt, is_sealed_by


def key_in_force(home: Home, entries: Sequence[Entry]) -> str:
    """Return the public half of the gate key that may sign what enters now: the newest that the ledger names, else the
    home's; '' before the first receipt is signed."""
    return state_after(entries).gate_key or gate_public(home)


def keys_named(entries: Sequence[Entry]) -> frozenset[str]:
    """Return the public halves of the gate keys that the signed ledger ever named."""
    return frozenset(entry.gate_key for entry in entries if entry.gate_key)


def need_signed(receipts: Mapping[str, Receipt], entries: Sequence[Entry], key: str) -> None:
    """Raise `BlockedError` for a receipt that the gate key `key` did not sign, and that no entry of the ledger names.

    Receipts from before signatures, and those of a key that another one replaced, hold while the ledger names them.
    """
    named = {digest for entry in entries for digest in entry.receipts.values()}
    for gate, receipt in receipts.items():
        if is_sealed_by(receipt, key) or receipt.digest in named:
            continue
        how = "is not signed" if receipt.seal is None else f"was signed by gate key {receipt.seal.key[:12]}"
        wanted = f"gate key {key[:12]} is in force" if key else "no gate key has been made yet"
        raise BlockedError(
            f"its receipt of {gate} {how}, and {wanted}",
            "Run its cycle again, so that the checks sign their verdicts.",
            code="unsigned",
        )


def need_fresh(receipts: Mapping[str, Receipt], entries: Sequence[Entry], max_age_days: float, now: datetime) -> None:
    """Raise `BlockedError` for a receipt that is too old for a candidate to enter on it; 0 days set no limit.

    One from before signatures is as old as the newest entry that names it.
    """
    if not max_age_days:
        return
    for gate, receipt in receipts.items():
        issued = _issued(receipt, entries)
        if issued is not None and now - issued > timedelta(days=max_age_days):
            raise BlockedError(
                f"its receipt of {gate} is {(now - issued).days} days old, and receipts count for {max_age_days:g} days"
                " ([receipts] max_age_days)",
                "Run its cycle again.",
                code="expired",
            )


def need_same_settings(receipts: Mapping[str, Receipt], spec: Spec) -> None:
    """Raise `BlockedError` where a setting that a gate reads is not the one of its receipt.

    A receipt of before names the whole file by one digest.
    """
    for gate, receipt in receipts.items():
        if has_same_settings(gate, receipt.binds, spec):
            continue
        changed = list_changed(gate, receipt.method.get("settings", {}), spec)
        named = f" ({', '.join(changed)})" if changed else ""
        raise BlockedError(
            f"classifier.toml changed since its cycle ran{named}, so its verdict of {gate} is of another policy",
            code="stale",
        )


def _issued(receipt: Receipt, entries: Sequence[Entry]) -> datetime | None:
    if receipt.seal is not None:
        return _aware(receipt.seal.issued)
    named = [entry.ts for entry in entries if receipt.digest in entry.receipts.values()]
    return _aware(named[-1]) if named else None


def _aware(ts: str) -> datetime:
    found = datetime.fromisoformat(ts)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def required_gates(adapter: str, receipts: Mapping[str, Receipt], entries: Sequence[Entry]) -> tuple[str, ...]:
    """Return the gates that must have a receipt: those that an entry names with these very receipts, else all.

    A candidate that entered before a gate was added begins again without its receipt; where the gate judges stored
    answers, it decides below all the same.
    """
    digests = {gate: receipt.digest for gate, receipt in receipts.items()}
    entered = any(entry.adapter == adapter and entry.receipts == digests for entry in entries)
    return tuple(digests) if entered else GATES
