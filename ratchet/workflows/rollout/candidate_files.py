"""Files of a candidate before it enters a rollout: its report is the one that was judged, its weights are new.

Add here another file that must be a candidate's own; the rules are `ratchet/gates/candidate_identity.py`.
"""

from collections.abc import Mapping, Sequence

from ratchet.core.cycle import Cycle
from ratchet.core.errors import BlockedError
from ratchet.gates.candidate_identity import find_changed_report, find_stale_weights
from ratchet.rollout.ledger_entry import Entry
from ratchet.storage.home import Home
from ratchet.storage.receipt_file import Receipt
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.reports import Reports
from ratchet.workflows.rollout.live_labels import has_other_names


def need_own_files(
    home: Home,
    cycle: Cycle,
    adapter: str,
    labels: Sequence[str],
    receipts: Mapping[str, Receipt],
    entries: Sequence[Entry],
) -> None:
    """Raise `BlockedError` where the report was changed since it was judged, or the weights are those of an adapter
    that the ledger knows under another name.

    A receipt of before audits binds no report.
    """
    audited = receipts.get("identity_attacks")
    bound = audited.binds.get("report") if audited else None
    if changed := find_changed_report(bound, Reports(home).digest(cycle)):
        raise BlockedError(changed, "Run its cycle again.", code="stale")
    store, name = AdapterStore(home), cycle.classifier
    known = {entry.adapter: store.weights_of(name, entry.adapter) for entry in entries if entry.adapter != adapter}
    stale = find_stale_weights(store.weights_of(name, adapter), known)
    if stale and not has_other_names(home, name, labels):
        raise BlockedError(stale, "Run the cycle of a newer week.", code="copy")
