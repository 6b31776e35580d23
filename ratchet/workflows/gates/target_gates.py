"""Gates of the deployment targets: on the plan before training, on the sealed adapter after it, and on both again.

Add here facts of a home that the gates need; limits and rules are in `ratchet/deployment/` and `ratchet/gates/`.
"""

import functools
from collections.abc import Callable, Collection
from dataclasses import asdict
from typing import Any

from ratchet.config.candidate import Candidate
from ratchet.config.policy import ExportPolicy
from ratchet.config.spec import Spec
from ratchet.core.errors import BlockedError, RatchetError
from ratchet.core.verdict import Verdict, join_verdicts
from ratchet.deployment.adapter_facts import AdapterFacts, facts_of_artifact, facts_of_plan, outline_of_plan
from ratchet.deployment.targets import ChosenTarget, digests_of_targets
from ratchet.deployment.trial import why_untried
from ratchet.gates.settings_read import has_same_settings
from ratchet.gates.target_fit import believed, decide_target_fit, judge_export, leave_export_out
from ratchet.gates.target_plan import TRAINED, PlanFit, decide_plan_fit, let_through
from ratchet.models.adapters.folder import read_folder
from ratchet.storage.home import Home
from ratchet.storage.receipt_file import Receipt
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.registry.exports import Exports
from ratchet.storage.specs import Specs
from ratchet.workflows.gates.target_trials import load_trials, try_candidate

Attempt = Callable[[Home, Candidate, Spec, tuple[ChosenTarget, ...]], list[Verdict]]


def judge_plan(specs: Specs, spec: Spec, *, make: bool = True) -> PlanFit:
    """Decide before training which candidates of `spec` can run on their targets.

    Without a `[[target]]` only their settings are compared, which costs nothing: the gateway accepts nearly every
    candidate that the specification allows. With one, each candidate that fits by its limits is tried with one training
    step (`make`), or must have been tried before.
    """
    if not spec.target:
        return decide_plan_fit(_judge_candidates(specs, spec, outline_of_plan))
    return decide_plan_fit(_judge_candidates(specs, spec, facts_of_plan, functools.partial(try_candidate, make=make)))


def preview_plan(specs: Specs, spec: Spec) -> tuple[PlanFit, list[tuple[Candidate, list[Verdict]]]]:
    """Verdict of `judge_plan` as far as it is known without a trial, and each candidate's verdicts; writes nothing.

    The shapes of a base are read even without a `[[target]]`, since the facts are to be shown.
    """
    judged = _judge_candidates(specs, spec, facts_of_plan, load_trials if spec.target else None)
    return decide_plan_fit(judged), judged


def candidates_to_train(specs: Specs, spec: Spec, receipt: Receipt | None) -> tuple[Candidate, ...]:
    """Candidates that the `receipt` of this cycle's `target_plan` let through, without judging them again.

    They are judged here without a receipt, as when the asset is materialised alone, and for an older receipt that does
    not list them. Raises `BlockedError` where none was let through, `RatchetError` for a receipt of another
    specification or other targets.
    """
    if receipt is None or (receipt.verdict.passed and TRAINED not in receipt.verdict.evidence):
        return judge_plan(specs, spec).candidates
    if not receipt.verdict.passed:
        raise BlockedError(
            f"target_plan blocks this cycle: {receipt.verdict.reason}", "Run the cycle again.", code="blocked"
        )
    targets = digests_of_targets(specs.targets(spec))
    same = has_same_settings("target_plan", receipt.binds, spec)
    if not same or receipt.binds.get("targets") not in targets:
        raise RatchetError(
            "classifier.toml or targets.toml changed since target_plan ran.",
            "Run the cycle again.",
            code="stale",
        )
    return let_through(spec.candidate, receipt.verdict)


def _judge_candidates(
    specs: Specs, spec: Spec, look: Callable[[Candidate, Spec], AdapterFacts], attempt: Attempt | None = None
) -> list[tuple[Candidate, list[Verdict]]]:
    """Each candidate with its verdict for each target, by the facts that `look` finds; failed where it finds none.

    A candidate that fits also gets the verdicts of an `attempt`.
    """
    chosen, judged = specs.targets(spec), []
    for candidate in spec.candidate:
        verdicts: list[Verdict] = []
        try:
            facts = look(candidate, spec)
            verdicts += [decide_target_fit(each.profile, facts, each.accept) for each in chosen]
            if attempt is not None and all(verdict.passed for verdict in verdicts):
                verdicts += attempt(specs.home, candidate, spec, chosen)
        except RatchetError as error:
            if error.code == "no_trial":  # not a fault of the candidate: the cycle has to run first
                raise
            verdicts.append(_rejected(candidate, error))
        judged.append((candidate, verdicts))
    return judged


def _rejected(candidate: Candidate, error: RatchetError) -> Verdict:
    """Verdict on a candidate that cannot be inspected or tried; the others of its plan are judged all the same."""
    return believed("failed", f"{candidate.title}: {error.message} {error.hint}".strip(), candidate=candidate.title)


def judge_artifact(
    specs: Specs,
    spec: Spec,
    adapter: str,
    *,
    make: bool = True,
    left_out: Collection[str] = (),
    limits: ExportPolicy | None = None,
) -> Verdict:
    """Verdict on whether a sealed adapter can run on its targets.

    An export that a target runs is made (`make`), or must exist already. The verdict is inconclusive where this machine
    lacks both the target's runtime and the export, or the export was not made because its cycle left it out. Parity is
    judged by `limits`, by default those of `spec`. Raises `RatchetError` for an adapter that is missing or changed.
    """
    exports = Exports(specs.home)
    look: Callable[[str, str, str], dict[str, Any]] = exports.make if make else exports.record
    facts = facts_of_artifact(read_folder(AdapterStore(specs.home).open(spec.name, adapter)))
    verdicts = []
    for each in specs.targets(spec):
        fit = decide_target_fit(each.profile, facts, each.accept)
        verdicts.append(fit)
        if not (each.export and fit.passed):
            continue
        why = why_untried(each.profile.runtime) or ("its cycle left it out" if each.export in left_out else "")
        # an export that exists is judged by its record, which needs no runtime
        if why and not exports.made(spec.name, adapter, each.export):
            verdicts.append(leave_export_out(each.export, why))
        else:
            record = look(spec.name, adapter, each.export)
            parity, by = record["verdict"]["evidence"], asdict(limits or spec.export)
            verdicts.append(judge_export(each.export, record["files"], parity, by))
    return join_verdicts(verdicts)
