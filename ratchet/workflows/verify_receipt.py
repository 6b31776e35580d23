"""Verification of one receipt from its file: its bytes, the chain of its digests, its verdict, and who vouches for it.

The file and a trusted key are enough, on any machine; in its home the stored answers and files are asked, too. Add here
how a verdict is derived again; rules that need the evidence alone are found by `ratchet/gates/rederivation.py`, those
that need stored answers are in `ratchet/workflows/gates/recheck.py`.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ratchet.config.spec import Spec
from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.errors import RatchetError
from ratchet.core.verdict import Verdict
from ratchet.deployment.targets import ChosenTarget, digests_of_targets
from ratchet.gates.chain import find_gap
from ratchet.gates.recorded_fit import read_fit
from ratchet.gates.rederivation import derive_again, has_rule, list_differences
from ratchet.gates.registry import GATES, MODEL_GATES, TARGET_GATES, WORDING
from ratchet.gates.settings_read import has_same_settings
from ratchet.storage.home import Home
from ratchet.storage.keys.key_pair import public_key
from ratchet.storage.receipt_file import Receipt, read_receipt
from ratchet.storage.receipts import Receipts
from ratchet.storage.specs import Specs
from ratchet.workflows.gates.recheck import judge_again
from ratchet.workflows.gates.stored_answers import read_stored_answers
from ratchet.workflows.gates.target_gates import judge_artifact, judge_plan
from ratchet.workflows.rollout.vouch import vouch
from ratchet.workflows.verify_finding import VerifyFinding, find

_OF_RECORDS = ("outcome", "reason", "why")


def verify_receipt(home: Home, path: Path) -> list[VerifyFinding]:
    """Verify one receipt: its form, its chain, its verdict by the evidence and by what the home still holds, and who
    vouches.

    A receipt's own digest can be computed again by whoever edits it, so a signature by a trusted gate key or an entry
    of the signed ledger must vouch for it.
    """
    try:
        receipt = read_receipt(path)
    except RatchetError as error:
        return [VerifyFinding("receipt", "", error.message)]
    verdict = receipt.verdict
    summary = f"{receipt.gate} of {receipt.classifier} {receipt.week}: {verdict.outcome}, {verdict.reason}"
    result = [VerifyFinding("receipt", f"{summary}; digest {receipt.digest}")]
    if receipt.chain:
        result.append(find("chain", lambda: _check_chain(receipt)))
    if receipt.gate not in GATES:
        result.append(VerifyFinding("verdict", f"cannot be derived again: this version has no gate {receipt.gate}"))
    if has_rule(receipt.gate):
        result.append(find("verdict", lambda: _derive_from_evidence(receipt)))
    in_home = receipt.classifier in home.classifiers() and home.has_rows(receipt.classifier)
    if receipt.gate in TARGET_GATES + MODEL_GATES and in_home:
        result.append(find("verdict in this home", lambda: _derive(_trusting_itself(home, receipt), receipt)))
    return [*result, find("ledger" if receipt.seal is None else "signature", lambda: vouch(home, receipt))]


def _trusting_itself(home: Home, receipt: Receipt) -> Home:
    """Return the home without a key from outside that is a gate key: its other signed files have the signing key."""
    given, seal = home.trust.key, receipt.seal
    if given is None or seal is None or public_key(given).public_bytes_raw().hex() != seal.key:
        return home
    return replace(home, trust=replace(home.trust, key=None))


def _check_chain(receipt: Receipt) -> str:
    try:
        gap = find_gap(receipt.gate, receipt.chain, receipt.binds)
    except (KeyError, TypeError, AttributeError):
        gap = "a step does not have the form that a cycle writes"
    if gap:
        raise RatchetError(f"{gap}.", "Run the cycle again.", code="bad_receipt")
    return f"{len(receipt.chain)} steps up to {receipt.chain[-1]['step']}, each of what the ones before it made"


def _derive(home: Home, receipt: Receipt) -> str:
    if receipt.gate in TARGET_GATES:
        return _derive_target(home, receipt)
    cycle, spec = Cycle(receipt.classifier, parse_week(receipt.week)), Specs(home)[receipt.classifier]
    if not has_same_settings(receipt.gate, receipt.binds, spec):
        return "cannot be derived again: classifier.toml changed since"
    answers = read_stored_answers(home, cycle, str(receipt.binds.get("adapter")))
    if not len(answers.test):
        return "cannot be derived again: the answers of that adapter are no longer stored"
    # logs that landed after the cycle change no verdict of it
    kept = receipt.verdict.evidence.get("requests") if receipt.gate == "golden_agreement" else None
    answers = replace(answers, requests=kept if isinstance(kept, dict) else answers.requests)
    receipts = {**Receipts(home).read(cycle), receipt.gate: receipt}
    again = judge_again(answers, spec, receipts).get(receipt.gate)
    if again is None:
        return f"cannot be derived again: {receipt.gate} does not judge stored answers alone"
    return _compare(again, receipt, "the stored answers")


def _derive_from_evidence(receipt: Receipt) -> str:
    try:
        again = derive_again(receipt.gate, receipt.verdict.evidence)
    except RatchetError as error:
        # A receipt of this very wording was written by this rule, so its evidence must hold all that the rule needs.
        if error.code != "underivable" or (receipt.seal is not None and _is_of_this_wording(receipt)):
            raise
        return f"cannot be derived again: {error.message}"
    return _compare(again, receipt, "the figures in its evidence")


def _derive_target(home: Home, receipt: Receipt) -> str:
    specs = Specs(home)
    spec = specs[receipt.classifier]
    chosen = specs.targets(spec)
    targets = digests_of_targets(chosen)
    if not has_same_settings(receipt.gate, receipt.binds, spec) or receipt.binds.get("targets") not in targets:
        return "cannot be derived again: classifier.toml or targets.toml changed since"
    if other := _find_other_profile(chosen, receipt):
        return f"cannot be derived again: this version has another profile of {other}"
    if receipt.gate == "target_plan":
        try:
            again = _as_recorded(judge_plan(specs, spec, make=False).verdict, receipt)
            return _compare(again, receipt, "the settings of the candidates")
        except RatchetError as error:
            if error.code != "no_trial":
                raise
            return "cannot be derived again: its one-step trial is no longer kept"
    return _derive_fit(specs, spec, receipt)


def _find_other_profile(chosen: Sequence[ChosenTarget], receipt: Receipt) -> str:
    """Return the target whose profile in the receipt is not that of this version, '' where all are the same."""
    now = {each.profile.name: each.profile.as_json() for each in chosen}
    then = [fit.get("target") for fit in receipt.verdict.evidence.get("fits", ()) if isinstance(fit, dict)]
    profiles = [profile for profile in then if isinstance(profile, dict)]
    return next((str(one.get("name")) for one in profiles if now.get(str(one.get("name"))) != one), "")


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


def _as_recorded(again: Verdict, receipt: Receipt) -> Verdict:
    """Return a verdict on targets without what records of before signatures did not hold."""
    if receipt.seal is not None:
        return again
    fits = [{key: fit[key] for key in fit if key not in _OF_RECORDS} for fit in again.evidence["fits"]]
    return replace(again, evidence={**again.evidence, "fits": fits})


def _compare(again: Verdict, receipt: Receipt, source: str) -> str:
    # A later version may word the same verdict otherwise, or keep more figures; outcome and figures must be the same.
    then, now = (json.loads(json.dumps(verdict.evidence)) for verdict in (receipt.verdict, again))
    differs, drawn_otherwise = list_differences(then, now)
    reworded = again.reason != receipt.verdict.reason
    if (
        again.outcome != receipt.verdict.outcome
        or differs
        or (reworded and not drawn_otherwise and _is_of_this_wording(receipt))
    ):
        raise RatchetError(
            f"{source} give: {again.outcome}, {again.reason}.", "Run the cycle again.", code="bad_receipt"
        )
    return f"follows from {source}{f'; this version words it: {again.reason}' if reworded else ''}"


def _is_of_this_wording(receipt: Receipt) -> bool:
    return bool(receipt.binds.get("wording") == WORDING)
