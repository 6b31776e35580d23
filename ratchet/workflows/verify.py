"""Verification of ledgers and flags from their files alone.

Add here a thing that can be verified; a single receipt is verified in `verify_receipt.py`. It needs no running process
of Ratchet, and for ledgers only the public half of the key.
"""

from functools import partial

from ratchet.core.errors import RatchetError
from ratchet.rollout.derived_proof import derive_decisions
from ratchet.rollout.ledger_entry import PROMOTE, SHADOW, Entry
from ratchet.rollout.signatures import read_checkpoint
from ratchet.rollout.state import state_after
from ratchet.storage.home import Home
from ratchet.storage.review.label_rules import LabelRuleFile
from ratchet.storage.review.suspensions import Suspensions
from ratchet.storage.rollout.flag_file import Flags
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.rollout.quarantine import Quarantine
from ratchet.storage.rollout.signing_key import trusted_key
from ratchet.workflows.integrity import examine
from ratchet.workflows.rollout.admission import admit, check_entry
from ratchet.workflows.rollout.policy import check_policy
from ratchet.workflows.rollout.serving_state import compare_serving
from ratchet.workflows.verify_finding import VerifyFinding, find


def verify_ledger(home: Home, classifier: str) -> list[VerifyFinding]:
    """Verify the ledger's chain, signatures and anchors, the receipts that it names, the flag made from it, and the
    bytes of the adapters, exports and landed files behind them.

    `home.trust` may hold a public key to trust instead of the home's, and signed notes that were kept elsewhere.
    """
    try:
        entries = Ledger(home).entries(classifier)
    except RatchetError as error:
        return [VerifyFinding("ledger", "", error.message)]
    result = [
        VerifyFinding("ledger", f"{len(entries)} entries, chained and signed, as the checkpoint beside them says")
    ]
    if home.trust.checkpoints:
        result.append(find("checkpoints kept elsewhere", lambda: _describe_notes(home, classifier)))
    for entry in entries:
        if entry.action in {PROMOTE, SHADOW} and entry.receipts:
            what = f"receipts of entry {entry.sequence}"
            result.append(find(what, partial(_check_receipts, home, classifier, entry)))
    if any("proof" in entry.evidence for entry in entries):
        result.append(find("decisions", lambda: derive_decisions(entries)))
    result.append(find("flag", lambda: _check_flag(home, classifier)))
    result.append(find("policy", lambda: check_policy(home, classifier, entries)))
    result.append(find("quarantine", lambda: f"{len(Quarantine(home).entries(classifier))} lines, chained and signed"))
    suspensions, label_rules = Suspensions(home, classifier), LabelRuleFile(home, classifier)
    result.append(find("suspensions", lambda: f"{len(suspensions.entries())} lines, chained and signed"))
    result.append(find("label rules", lambda: f"{len(label_rules.read().rules)} lines, chained and signed"))
    return [*result, *examine(home, classifier, state_after(entries), whole=True)]


def _check_receipts(home: Home, classifier: str, entry: Entry) -> str:
    check_entry(home, classifier, [entry], entry.adapter)
    return "let the adapter pass"


def _describe_notes(home: Home, classifier: str) -> str:
    """Say for how many entries the checkpoints vouch that the ledger was compared with when it was read."""
    notes = home.trust.notes()
    heads = [read_checkpoint(trusted_key(home), classifier, text) for text in notes.values()]
    vouched = [head.sequence for head in heads if head]
    if not vouched:
        raise RatchetError(
            f"{', '.join(map(str, notes))} is not a note on {classifier} signed with this key.",
            "Give another.",
            code="bad_note",
        )
    return f"vouch for the first {max(vouched)} entries"


def _check_flag(home: Home, classifier: str) -> str:
    rollout = Flags(home).read().rollouts.get(classifier)
    if rollout is not None:
        admit(home, classifier, rollout)
    serving = compare_serving(home, classifier, Ledger(home).state(classifier))
    if serving.gap:
        raise RatchetError(f"{serving.gap}.", "Finish the move, then look again.", code="not_followed")
    return "is what the ledger asks for" if rollout else "none is published"
