"""Vouching: a rollout may be served only when the signed ledger asks for exactly it, on receipts that still say so.

The gateway asks here before any adapter takes traffic. Add here what must be true of a rollout; what must be true of an
adapter's files is `ratchet/models/adapters/format.py`.
"""

from ratchet.core.errors import RatchetError
from ratchet.gates.eligibility import decide_eligibility
from ratchet.rollout.flag import Rollout
from ratchet.rollout.ledger_entry import PROMOTE, SHADOW, Entry
from ratchet.rollout.state import state_after
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipt, Receipts
from ratchet.storage.rollout.ledger import Ledger, check_head


def admit(home: Home, classifier: str, rollout: Rollout) -> None:
    """Raise `RatchetError` unless the ledger, up to the head that the flag names, asks for this rollout.

    The share of shadowed requests and the kill switch are the operator's and may differ.
    """
    entries = Ledger(home).entries(classifier)
    check_head(home.ledger(classifier), entries, rollout.head, "the flag")
    state = state_after(entries[: rollout.head.sequence])
    if state.live is None or state.as_rollout(rollout.shadow_share, killed=rollout.killed) != rollout:
        odd = next((digest for digest in rollout.adapters.values() if not _entered(entries, digest)), rollout.live)
        raise RatchetError(
            f"the flag lets {odd[:12]} answer otherwise than the ledger asks for.",
            "Let 'ratchet promote', 'ratchet rollback' or the promotion sensor write the flag.",
            code="unpromoted",
        )
    for digest in dict.fromkeys(rollout.adapters.values()):
        check_entry(home, classifier, entries, digest)


def check_entry(home: Home, classifier: str, entries: list[Entry], digest: str) -> None:
    """Raise `RatchetError` unless the entry by which an adapter came in names receipts that let it pass, unchanged."""
    entry = _entered(entries, digest)
    if entry is None:
        raise RatchetError(
            f"no entry of the ledger lets adapter {digest[:12]} in.", "Run its cycle and promote it.", code="unpromoted"
        )
    receipts = _receipts_of(home, classifier, entry)
    eligible = decide_eligibility(digest, receipts, required=tuple(entry.receipts))
    if not eligible.allowed:
        raise RatchetError(
            f"adapter {digest[:12]} is not vouched for by its receipts: {eligible.reason}.",
            "Run its cycle again and promote what passes.",
            code="unvouched",
        )


def admitted_export(home: Home, classifier: str, digest: str, kind: str) -> dict[str, str] | None:
    """The files of the export `kind` that `target_fit` judged before the adapter came in, each with its digest; None
    for none."""
    entry = _entered(Ledger(home).entries(classifier), digest)
    receipt = _receipts_of(home, classifier, entry).get("target_fit") if entry else None
    fits = receipt.verdict.evidence.get("fits", ()) if receipt else ()
    return next((dict(result["files"]) for result in fits if result.get("export") == kind), None)


def _receipts_of(home: Home, classifier: str, entry: Entry) -> dict[str, Receipt]:
    return Receipts(home).kept(classifier, entry.week, entry.receipts)


def _entered(entries: list[Entry], digest: str) -> Entry | None:
    """The newest entry that names receipts of this adapter."""
    return next(
        (e for e in reversed(entries) if e.adapter == digest and e.action in {PROMOTE, SHADOW} and e.receipts), None
    )
