"""Trials on disk: a one-step adapter of a candidate, made and asked in a target's runtime, and the outcome kept by
content.

`<home>/<classifier>/trials/<digest>.json`; expendable. Add here how a trial is run; what is asked is
`ratchet/deployment/trial.py`.
"""

import json
import subprocess
import sys
import uuid
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ratchet.config.candidate import Candidate
from ratchet.config.secret_variables import without_secrets
from ratchet.config.spec import Spec
from ratchet.core.digests import digest_json
from ratchet.core.errors import RatchetError
from ratchet.core.files import write_json
from ratchet.core.verdict import Verdict
from ratchet.deployment.targets import ChosenTarget
from ratchet.deployment.trial import is_of_candidate, packages_of, why_untried
from ratchet.deployment.trial_plan import one_step_plan
from ratchet.models.base_models import resolve_base
from ratchet.storage.home import Home
from ratchet.storage.staging_folders import stage_folder
from ratchet.training.plan import Examples, TrainingPlan, prepare
from ratchet.training.result import FAILURE, read_result

_VERSIONED = ("torch", "transformers", "tokenizers", "peft", "trl", "bitsandbytes", "onnx", "onnxruntime")
_LONGEST_S = 900
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}


def try_candidate(
    home: Home, candidate: Candidate, spec: Spec, chosen: tuple[ChosenTarget, ...], *, make: bool
) -> list[Verdict]:
    """A verdict for each target: its runtime loads and asks a one-step adapter of `candidate`, or cannot run on this
    machine.

    An outcome is kept under everything that it depends on, so a trial costs its seconds once. Raises `RatchetError`
    when none is kept and `make` is false.
    """
    plan, examples = one_step_plan(candidate, spec, resolve_base(candidate.base), version("ratchet"))
    verdicts = _recall(home, candidate, spec, plan, chosen)
    missing = [each for each in chosen if each.profile.name not in verdicts]
    if missing and not make:
        raise RatchetError(f"no trial of {candidate.title} is kept.", "Run the cycle again.", code="no_trial")
    if missing:
        for each, result in _run(home, spec, plan, examples, missing):
            if result["outcome"] == "passed" or is_of_candidate(each.profile.runtime, result["code"]):
                write_json(_path(home, spec, plan, each), result)
            verdicts[each.profile.name] = _as_verdict(candidate, each, result)
    return [verdicts[each.profile.name] for each in chosen]


def load_trials(home: Home, candidate: Candidate, spec: Spec, chosen: tuple[ChosenTarget, ...]) -> list[Verdict]:
    """What is known without a trial, for each target: the outcome that is kept, why there is none here, or that none is
    yet."""
    plan, _ = one_step_plan(candidate, spec, resolve_base(candidate.base), version("ratchet"))
    known = _recall(home, candidate, spec, plan, chosen)
    names = [each.profile.name for each in chosen]
    later = {
        name: f"{candidate.title} was not tried in {name} yet: its cycle does it, before it trains." for name in names
    }
    return [known.get(name) or Verdict("inconclusive", later[name], {"trial": name}) for name in names]


def _recall(
    home: Home, candidate: Candidate, spec: Spec, plan: TrainingPlan, chosen: tuple[ChosenTarget, ...]
) -> dict[str, Verdict]:
    """The verdicts by target that need no trial: an outcome is kept, or this machine cannot run it."""
    verdicts: dict[str, Verdict] = {}
    for each in chosen:
        name = each.profile.name
        if why := why_untried(each.profile.runtime):
            verdicts[name] = Verdict("inconclusive", f"{name} was not tried here because {why}.", {"trial": name})
        elif (result := _read_kept(_path(home, spec, plan, each))) is not None:
            verdicts[name] = _as_verdict(candidate, each, result)
    return verdicts


def _path(home: Home, spec: Spec, plan: TrainingPlan, each: ChosenTarget) -> Path:
    packages = (*_VERSIONED, *packages_of(each.profile.runtime))
    versions = {package: version(package) for package in packages}
    key = digest_json({"plan": plan.as_json(), "target": each.as_json(), "versions": versions})
    return home.trials(spec.name) / f"{key[:32]}.json"


def _read_kept(path: Path) -> dict[str, Any] | None:
    """The outcome that is kept; None for none, and for a failure without a code: it may have been the machine's."""
    if not path.is_file():
        return None
    result: dict[str, Any] = json.loads(path.read_bytes())
    return result if result["outcome"] == "passed" or "code" in result else None


def _as_verdict(candidate: Candidate, each: ChosenTarget, found: dict[str, Any]) -> Verdict:
    name = each.profile.name
    if found["outcome"] == "passed":
        return Verdict("passed", f"One step of it was tried in {name}: {found['reason']}.", {"trial": name})
    return Verdict("failed", f"One step of {candidate.title}, tried in {name}: {found['reason']}", {"trial": name})


def _run(
    home: Home, spec: Spec, plan: TrainingPlan, examples: Examples, missing: list[ChosenTarget]
) -> list[tuple[ChosenTarget, dict[str, Any]]]:
    """Train one step and ask its adapter in each runtime, in processes of their own; what the machine ended is not
    kept."""
    with stage_folder(home.trials(spec.name), f"step-{uuid.uuid4().hex}") as stage:
        work = prepare(stage, plan, examples, examples)
        environment = {**without_secrets(spec.frontier), **_ENVIRONMENT}
        done = _call(environment, "ratchet.training", str(work))
        if done.returncode != 0:
            said, code = _read_failure(work)
            said = said or f"its training ended with {done.returncode}: {done.stderr.strip()[-300:]}"
            return [(each, {"outcome": "failed", "reason": said, "code": code}) for each in missing]
        folder = read_result(work).best_folder
        return [(each, _ask(environment, folder, each)) for each in missing]


def _ask(environment: dict[str, str], folder: Path, each: ChosenTarget) -> dict[str, Any]:
    done = _call(environment, "ratchet.deployment", str(folder), each.profile.runtime, each.export)
    try:
        result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        if result["outcome"] == "passed":
            return {"outcome": "passed", "reason": result["reason"]}
        return {"outcome": "failed", "reason": result["reason"], "code": result["code"]}
    except (IndexError, ValueError, KeyError, TypeError):
        said = f"the process that tried it ended with {done.returncode}: {done.stderr.strip()[-300:]}"
        return {"outcome": "failed", "reason": said, "code": ""}


def _read_failure(work: Path) -> tuple[str, str]:
    """What the training said of its end, with the error's code; both empty where it said nothing."""
    path = work / FAILURE
    if not path.is_file():
        return "", ""
    told = json.loads(path.read_bytes())["error"]
    return f"{told['message']} {told['hint']}".strip(), told["code"]


def _call(environment: dict[str, str], module: str, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", module, *[word for word in words if word]]
    try:
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=_LONGEST_S)
    except subprocess.TimeoutExpired:
        said = f"{module}, which tries one step of a candidate, did not end within {_LONGEST_S} s."
        raise RatchetError(said, "Run the cycle again.", code="trial") from None
