"""Examination of a candidate before each step: by its cycle, or by its kept receipts once its week has run again.

Add here what must still hold while a candidate climbs; what must hold before it enters is `nominate.py`.
"""

from ratchet.core.errors import BlockedError
from ratchet.deployment.targets import digests_of_targets
from ratchet.gates.chain import learned_weeks
from ratchet.gates.eligibility import decide_eligibility
from ratchet.gates.recorded_fit import read_fit
from ratchet.gates.registry import TARGET_GATES
from ratchet.rollout.state import RolloutState
from ratchet.storage.home import Home
from ratchet.storage.receipt_file import Receipt
from ratchet.storage.receipts import Receipts
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.rollout.quarantine import Quarantine
from ratchet.storage.specs import Specs
from ratchet.workflows.gates.target_gates import judge_artifact
from ratchet.workflows.rollout.nominate import nominate
from ratchet.workflows.rollout.receipt_trust import need_same_settings


def reexamine(home: Home, classifier: str, adapter: str, state: RolloutState) -> None:
    """Raise `BlockedError` with the reason why the candidate may not advance, `RatchetError` for damaged evidence.

    Its week may have run again meanwhile, as after an early cycle, and made another candidate: the stored answers are
    then those of the other one. What the signed entry of the ledger names is kept, and examined instead.
    """
    try:
        nominate(home, classifier, adapter)
    except BlockedError as error:
        if error.code != "no_evidence" or state.challenger != adapter or state.entered is None:
            raise
        entry = state.entered
        _examine_kept(home, classifier, adapter, Receipts(home).kept(classifier, entry.week, entry.receipts))


def _examine_kept(home: Home, classifier: str, adapter: str, receipts: dict[str, Receipt]) -> None:
    specs = Specs(home)
    spec = specs[classifier]
    eligible = decide_eligibility(adapter, receipts, required=tuple(receipts))
    if not eligible.allowed:
        raise BlockedError(eligible.reason, code="blocked")
    AdapterStore(home).open(classifier, adapter)
    golden, targets = specs.golden_digest(classifier), digests_of_targets(specs.targets(spec))
    need_same_settings(receipts, spec)
    for gate, receipt in receipts.items():
        binds = receipt.binds
        if binds.get("golden", golden) != golden:
            raise BlockedError("golden.jsonl changed since its cycle ran", code="stale")
        if gate in TARGET_GATES and binds.get("targets") not in targets:
            raise BlockedError("targets.toml changed since its cycle ran", code="stale")
    Quarantine(home).need_released(classifier, learned_weeks(receipts))
    # A built-in target's limits come with a version, and are in no digest.
    if "target_fit" in receipts:
        left_out = read_fit(receipts["target_fit"].verdict).left_out
        again = judge_artifact(specs, spec, adapter, make=False, left_out=left_out)
        if not again.passed:
            raise BlockedError(f"checked again, target_fit blocks it: {again.reason}", code="blocked")
