"""Verification of ledgers, flags and receipts from their files alone.

Add here a thing that can be verified. It needs no running process of Ratchet, and for ledgers only the public half of
the key.
"""

import json
from functools import partial
from pathlib import Path

from ratchet.config.spec import Spec
from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.errors import RatchetError
from ratchet.core.verdict import Verdict
from ratchet.deployment.targets import digest_targets
from ratchet.gates.registry import MODEL_GATES, TARGET_GATES, WORDING
from ratchet.gates.target_fit import read_fit
from ratchet.rollout.ledger_entry import PROMOTE, SHADOW, Entry
from ratchet.rollout.signatures import read_checkpoint
from ratchet.rollout.state import state_after
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipt, Receipts, read_receipt
from ratchet.storage.rollout.flag_file import Flags
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.rollout.quarantine import Quarantine
from ratchet.storage.rollout.signing_key import trusted_key
from ratchet.storage.specs import Specs
from ratchet.workflows.gates.recheck import judge_again, read_stored_answers
from ratchet.workflows.gates.target_gates import judge_artifact, judge_plan
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
    result.append(find("flag", lambda: _check_flag(home, classifier)))
    result.append(find("policy", lambda: check_policy(home, classifier, entries)))
    result.append(find("quarantine", lambda: f"{len(Quarantine(home).entries(classifier))} lines, chained and signed"))
    return [*result, *examine(home, classifier, state_after(entries), whole=True)]


def verify_receipt(home: Home, path: Path) -> list[VerifyFinding]:
    """Verify one receipt: its form, its verdict where the home still holds the answers it judged, and who vouches.

    A receipt's own digest can be computed again by whoever edits it, so only the signed ledger vouches for one.
    """
    try:
        receipt = read_receipt(path)
    except RatchetError as error:
        return [VerifyFinding("receipt", "", error.message)]
    verdict = receipt.verdict
    summary = f"{receipt.gate} of {receipt.classifier} {receipt.week}: {verdict.outcome}, {verdict.reason}"
    result = [VerifyFinding("receipt", f"{summary}; digest {receipt.digest}")]
    if (
        receipt.gate in TARGET_GATES + MODEL_GATES
        and receipt.classifier in home.classifiers()
        and home.has_rows(receipt.classifier)
    ):
        result.append(find("verdict", lambda: _derive(home, receipt)))
    return [*result, find("ledger", lambda: _find_entry(home, receipt))]


def _find_entry(home: Home, receipt: Receipt) -> str:
    if receipt.classifier not in home.classifiers():
        raise _unvouched(receipt, f"{receipt.classifier} is not a classifier of {home.root}")
    for entry in reversed(Ledger(home).entries(receipt.classifier)):
        if entry.receipts.get(receipt.gate) == receipt.digest:
            return f"entry {entry.sequence} of the signed ledger names this receipt"
    raise _unvouched(receipt, "no entry of the signed ledger names it")


def _unvouched(receipt: Receipt, reason: str) -> RatchetError:
    return RatchetError(
        f"unvouched: {reason}, so nobody has signed digest {receipt.digest[:12]}.",
        "A promotion checks the evidence again and then signs it.",
        code="unvouched",
    )


def _derive(home: Home, receipt: Receipt) -> str:
    if receipt.gate in TARGET_GATES:
        return _derive_target(home, receipt)
    cycle = Cycle(receipt.classifier, parse_week(receipt.week))
    answers = read_stored_answers(home, cycle, str(receipt.binds.get("adapter")))
    if not len(answers.test):
        return "cannot be derived again: the answers of that adapter are no longer stored"
    baselines = receipt if receipt.gate == "beats_baselines" else Receipts(home).read(cycle)["beats_baselines"]
    again = judge_again(answers, Specs(home)[receipt.classifier], baselines).get(receipt.gate)
    if again is None:
        return f"cannot be derived again: {receipt.gate} does not judge stored answers alone"
    return _compare(again, receipt, "the stored answers")


def _derive_target(home: Home, receipt: Receipt) -> str:
    specs = Specs(home)
    spec = specs[receipt.classifier]
    targets = digest_targets(specs.targets(spec))
    if receipt.binds.get("policy") not in spec.digests or receipt.binds.get("targets") != targets:
        return "cannot be derived again: classifier.toml or targets.toml changed since"
    if receipt.gate == "target_plan":
        try:
            return _compare(judge_plan(specs, spec, make=False).verdict, receipt, "the settings of the candidates")
        except RatchetError as error:
            if error.code != "no_trial":
                raise
            return "cannot be derived again: its one-step trial is no longer kept"
    return _derive_fit(specs, spec, receipt)


def _derive_fit(specs: Specs, spec: Spec, receipt: Receipt) -> str:
    then, adapter = read_fit(receipt.verdict), str(receipt.binds.get("adapter"))
    again = judge_artifact(specs, spec, adapter, make=False, left_out=then.left_out, limits=then.limits)
    now = read_fit(again)
    if made := [kind for kind in then.left_out if kind in now.figures]:
        return f"cannot be derived again: its {made[0]} export was left out in its cycle, and has been made since"
    if odd := then.compare(now, same_wording=_is_of_this_wording(receipt)):
        raise RatchetError(f"{odd}.", "Run the cycle again.", code="bad_receipt")
    others = then.limits is not None and then.limits != spec.export
    return f"follows from the adapter's files{', by limits that [export] no longer has' if others else ''}"


def _compare(again: Verdict, receipt: Receipt, source: str) -> str:
    # A later version may word the same verdict otherwise, or keep more figures; outcome and figures must be the same.
    then, now = (json.loads(json.dumps(verdict.evidence)) for verdict in (receipt.verdict, again))
    differs = [key for key in then if now.get(key) != then[key]]
    reworded = again.reason != receipt.verdict.reason
    if again.outcome != receipt.verdict.outcome or differs or (reworded and _is_of_this_wording(receipt)):
        raise RatchetError(
            f"{source} give: {again.outcome}, {again.reason}.", "Run the cycle again.", code="bad_receipt"
        )
    return f"follows from {source}{f'; this version words it: {again.reason}' if reworded else ''}"


def _is_of_this_wording(receipt: Receipt) -> bool:
    return bool(receipt.binds.get("wording") == WORDING)


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
