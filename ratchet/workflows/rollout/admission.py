"""Admission: a rollout may be served only if the signed ledger asks for exactly it, on receipts that still pass.

The gateway calls this before any adapter takes traffic. Add here a condition on a rollout; conditions on an adapter's
files are in `ratchet/models/adapters/format.py`.
"""

from collections.abc import Mapping

from ratchet.core.errors import RatchetError
from ratchet.gates.eligibility import decide_eligibility
from ratchet.rollout.flag import Rollout
from ratchet.rollout.ledger_entry import PROMOTE, SHADOW, Entry
from ratchet.rollout.state import RolloutState, state_after
from ratchet.storage.home import Home
from ratchet.storage.receipt_file import Receipt, is_sealed_by
from ratchet.storage.receipts import Receipts
from ratchet.storage.rollout.ledger import Ledger, check_head
from ratchet.workflows.rollout.receipt_trust import keys_named


def admit(home: Home, classifier: str, rollout: Rollout) -> None:
    """Raise `RatchetError` unless the ledger, up to the head that the flag names, asks for this rollout.

    The share of shadowed requests and the kill switch are set by the operator and may differ.
    """
    entries = Ledger(home).entries(classifier)
    check_head(home.ledger(classifier), entries, rollout.head, "the flag")
    state = state_after(entries[: rollout.head.sequence])
    if state.live is None or state.as_rollout(rollout.shadow_share, killed=rollout.killed) != rollout:
        odd = next((digest for digest in rollout.adapters.values() if not _entered(entries, digest)), rollout.live)
        raise RatchetError(
            f"the flag lets {odd[:12]} answer although the ledger asks for another rollout.",
            "Let 'ratchet promote', 'ratchet rollback' or the promotion sensor write the flag.",
            code="unpromoted",
        )
    for digest in dict.fromkeys(rollout.adapters.values()):
        if digest not in _were_live(state):
            check_entry(home, classifier, entries, digest)


def _were_live(state: RolloutState) -> frozenset[str]:
    """Return the adapters whose signed entries are enough: those that were live before the newest move.

    A rollback needs nothing else that can be broken, so it needs no receipts.
    """
    fresh = state.moved is not None and state.moved.action == PROMOTE
    return frozenset(state.past) | (frozenset() if fresh or state.live is None else {state.live})


def check_entry(home: Home, classifier: str, entries: list[Entry], digest: str) -> None:
    """Raise `RatchetError` unless the entry by which an adapter came in names receipts that pass and are unchanged."""
    entry = _entered(entries, digest)
    if entry is None:
        raise RatchetError(
            f"no entry of the ledger lets adapter {digest[:12]} in.", "Run its cycle and promote it.", code="unpromoted"
        )
    receipts = _receipts_of(home, classifier, entry)
    _need_signatures(entries, entry, receipts)
    eligible = decide_eligibility(digest, receipts, required=tuple(entry.receipts))
    if not eligible.allowed:
        raise RatchetError(
            f"the receipts of adapter {digest[:12]} do not let it serve: {eligible.reason}.",
            "Run its cycle again and promote what passes.",
            code="unvouched",
        )


def _need_signatures(entries: list[Entry], entry: Entry, receipts: Mapping[str, Receipt]) -> None:
    """Raise `RatchetError` for a receipt that none of the gate keys which the ledger names has signed.

    Those of an entry that names no key are of before signatures: its own signature vouches for their digests.
    """
    keys = keys_named(entries)
    for gate, receipt in receipts.items() if entry.gate_key else ():
        if receipt.seal is not None and not any(is_sealed_by(receipt, key) for key in keys):
            raise RatchetError(
                f"the receipt of {gate} of adapter {entry.adapter[:12]} was not signed by a gate key that the ledger"
                " names.",
                "Restore receipts/kept from a backup, or run its cycle again and promote what passes.",
                code="unvouched",
            )


def admitted_export(home: Home, classifier: str, digest: str, kind: str) -> dict[str, str] | None:
    """Return the files of the export `kind` that `target_fit` judged, each with its digest; None if it judged none."""
    return admitted_fits(home, classifier, digest).get(kind)


def admitted_fits(home: Home, classifier: str, digest: str) -> dict[str, dict[str, str]]:
    """Return the files of every export that `target_fit` judged, by its kind, each file with its digest."""
    entry = _entered(Ledger(home).entries(classifier), digest)
    receipt = _receipts_of(home, classifier, entry).get("target_fit") if entry else None
    fits = receipt.verdict.evidence.get("fits", ()) if receipt else ()
    return {str(fit["export"]): dict(fit["files"]) for fit in reversed(fits) if fit.get("export")}


def _receipts_of(home: Home, classifier: str, entry: Entry) -> dict[str, Receipt]:
    return Receipts(home).kept(classifier, entry.week, entry.receipts)


def _entered(entries: list[Entry], digest: str) -> Entry | None:
    """Return the newest entry that names receipts of this adapter."""
    return next(
        (e for e in reversed(entries) if e.adapter == digest and e.action in {PROMOTE, SHADOW} and e.receipts), None
    )
