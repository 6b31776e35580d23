"""Trials of candidates: a one-step adapter is trained and run in a target's runtime, and the outcome is cached.

`<home>/<classifier>/trials/<digest>.json`; safe to delete. Add here how a trial is run; `ratchet/deployment/trial.py`
compares the answers.
"""

import json
import subprocess
import sys
import uuid
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ratchet.config.candidate import Candidate
from ratchet.config.prompt import make_prompt
from ratchet.config.secret_variables import without_secrets
from ratchet.config.spec import Spec
from ratchet.core.digests import digest_json
from ratchet.core.errors import RatchetError
from ratchet.core.files import write_json
from ratchet.core.timeouts import TRIAL_S
from ratchet.core.verdict import Verdict
from ratchet.deployment.targets import ChosenTarget
from ratchet.deployment.trial import is_of_candidate, packages_of, why_untried
from ratchet.gates.target_fit import believed
from ratchet.models.base_models import resolve_base
from ratchet.models.inference.reference_logits import PROMPTS
from ratchet.storage.home import Home
from ratchet.storage.staging_folders import stage_folder
from ratchet.training.plan import Examples, TrainingPlan, pin_templates, prepare
from ratchet.training.result import FAILURE, read_result

_VERSIONED = ("torch", "transformers", "tokenizers", "peft", "trl", "bitsandbytes", "onnx", "onnxruntime")
_TEXTS = PROMPTS[1][:8]
"""Short texts that come from no user."""
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}


def try_candidate(
    home: Home, candidate: Candidate, spec: Spec, chosen: tuple[ChosenTarget, ...], *, make: bool
) -> list[Verdict]:
    """Verdict for each target: its runtime runs a one-step adapter of `candidate`, or is not on this machine.

    An outcome is cached under everything that it depends on, so a trial costs its seconds once. Raises `RatchetError`
    when none is cached and `make` is false.
    """
    plan, examples = _one_step_plan(candidate, spec)
    verdicts = _recall(home, candidate, spec, plan, chosen)
    missing = [each for each in chosen if each.profile.name not in verdicts]
    if missing and not make:
        raise RatchetError(f"{candidate.title} was not tried yet.", "Run the cycle again.", code="no_trial")
    if missing:
        for each, outcome in _run(home, spec, plan, examples, missing):
            # a failure of this machine (killed, out of memory) may not recur, so it is not cached
            if outcome["outcome"] == "passed" or is_of_candidate(each.profile.runtime, outcome["code"]):
                write_json(_path(home, spec, plan, each), outcome)
            verdicts[each.profile.name] = _as_verdict(candidate, each, outcome)
    return [verdicts[each.profile.name] for each in chosen]


def load_trials(home: Home, candidate: Candidate, spec: Spec, chosen: tuple[ChosenTarget, ...]) -> list[Verdict]:
    """Verdict for each target without a new trial: the cached outcome, or the reason why there is none."""
    plan, _ = _one_step_plan(candidate, spec)
    known = _recall(home, candidate, spec, plan, chosen)
    names = [each.profile.name for each in chosen]
    later = {
        name: f"{candidate.title} was not tried in {name} yet; the cycle tries it before training." for name in names
    }
    return [known.get(name) or believed("inconclusive", later[name], trial=name) for name in names]


def _one_step_plan(candidate: Candidate, spec: Spec) -> tuple[TrainingPlan, Examples]:
    """Plan of one optimiser step of `candidate` on a few made-up texts, and these examples, which serve as both splits.

    One step is enough to see whether an adapter of its kind runs at all.
    """
    base = resolve_base(candidate.base)
    count = max(len(_TEXTS), len(spec.labels))  # each label at least once
    examples = [(f"{_TEXTS[n % len(_TEXTS)]} {n}", spec.labels[n % len(spec.labels)]) for n in range(count)]
    short = replace(candidate.alone(), epochs=1, patience=1, batch=count)
    prompt = make_prompt(spec.prompt, spec.label) if candidate.family == "causal" else None
    revisions, templates = {short.base: base.revision}, pin_templates(prompt, [base])
    plan = TrainingPlan(
        spec.labels, (short,), revisions, digest_json(examples), version("ratchet"), prompt, templates=templates
    )
    return plan, examples


def _recall(
    home: Home, candidate: Candidate, spec: Spec, plan: TrainingPlan, chosen: tuple[ChosenTarget, ...]
) -> dict[str, Verdict]:
    """Verdicts by target that need no trial: the outcome is cached, or this machine cannot run the target."""
    verdicts: dict[str, Verdict] = {}
    for each in chosen:
        name = each.profile.name
        if why := why_untried(each.profile.runtime):
            verdicts[name] = believed("inconclusive", f"{name} was not tried here because {why}.", trial=name)
        elif (outcome := _read_kept(_path(home, spec, plan, each))) is not None:
            verdicts[name] = _as_verdict(candidate, each, outcome)
    return verdicts


def _path(home: Home, spec: Spec, plan: TrainingPlan, each: ChosenTarget) -> Path:
    packages = (*_VERSIONED, *packages_of(each.profile.runtime))
    versions = {package: version(package) for package in packages}
    key = digest_json({"plan": plan.as_json(), "target": each.as_json(), "versions": versions})
    return home.trials(spec.name) / f"{key[:32]}.json"


def _read_kept(path: Path) -> dict[str, Any] | None:
    """The cached outcome; None where there is none, and for a failure without a code, which may be the machine's."""
    if not path.is_file():
        return None
    outcome: dict[str, Any] = json.loads(path.read_bytes())
    return outcome if outcome["outcome"] == "passed" or "code" in outcome else None


def _as_verdict(candidate: Candidate, each: ChosenTarget, found: dict[str, Any]) -> Verdict:
    name = each.profile.name
    if found["outcome"] == "passed":
        return believed("passed", f"One training step was tried in {name}: {found['reason']}.", trial=name)
    reason = f"One training step of {candidate.title}, tried in {name}: {found['reason']}"
    return believed("failed", reason, trial=name)


def _run(
    home: Home, spec: Spec, plan: TrainingPlan, examples: Examples, missing: list[ChosenTarget]
) -> list[tuple[ChosenTarget, dict[str, Any]]]:
    """Train one step and try its adapter in each runtime, in separate processes."""
    with stage_folder(home.trials(spec.name), f"step-{uuid.uuid4().hex}") as stage:
        work = prepare(stage, plan, examples, examples)
        environment = {**without_secrets(spec.frontier), **_ENVIRONMENT}
        done = _call(environment, "ratchet.training", str(work))
        if done.returncode != 0:
            reason, code = _read_failure(work)
            reason = reason or f"its training ended with exit code {done.returncode}: {done.stderr.strip()[-300:]}"
            return [(each, {"outcome": "failed", "reason": reason, "code": code}) for each in missing]
        folder = read_result(work).best_folder
        return [(each, _ask(environment, folder, each)) for each in missing]


def _ask(environment: dict[str, str], folder: Path, each: ChosenTarget) -> dict[str, Any]:
    done = _call(environment, "ratchet.deployment", str(folder), each.profile.runtime, each.export)
    try:
        outcome: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        if outcome["outcome"] == "passed":
            return {"outcome": "passed", "reason": outcome["reason"]}
        return {"outcome": "failed", "reason": outcome["reason"], "code": outcome["code"]}
    except (IndexError, ValueError, KeyError, TypeError):
        reason = f"the process that tried it ended with exit code {done.returncode}: {done.stderr.strip()[-300:]}"
        return {"outcome": "failed", "reason": reason, "code": ""}


def _read_failure(work: Path) -> tuple[str, str]:
    """Sentence and code of the error with which the training ended; both empty where it left none."""
    path = work / FAILURE
    if not path.is_file():
        return "", ""
    error = json.loads(path.read_bytes())["error"]
    return f"{error['message']} {error['hint']}".strip(), error["code"]


def _call(environment: dict[str, str], module: str, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", module, *[word for word in words if word]]
    try:
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=TRIAL_S)
    except subprocess.TimeoutExpired:
        message = f"the trial of one training step ({module}) did not end within {TRIAL_S} s."
        raise RatchetError(message, "Run the cycle again.", code="trial") from None
