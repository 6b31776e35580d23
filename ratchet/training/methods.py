"""Training of one candidate, from its task to its adapter folder and result, by the method it names.

Add a method here. Our own loop is `ratchet/training/native/trainer.py`, the probe `linear_probe.py`, TRL's trainers
`ratchet/training/trl/sft.py` and `ratchet/training/trl/dpo.py` with `ratchet/training/trl/dpo_pass.py`. Evaluation is
in `validation.py`, writing in `adapter_writer.py`.
"""

import shutil
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ratchet.config.candidate import Candidate
from ratchet.core.errors import RatchetError
from ratchet.data.rendering import render
from ratchet.models.adapters import format as form
from ratchet.models.adapters.peft_format import LoraSettings
from ratchet.models.embeddings import keep_embeddings
from ratchet.models.inference.predictor import load_predictor
from ratchet.models.preprocessing import LATEST
from ratchet.models.prompt_tokenizer import load_prompt_tokenizer
from ratchet.training.adapter_writer import as_safetensors, finish, write_adapter
from ratchet.training.history import Tensors, ValidationMetrics
from ratchet.training.native.trainer import Report, prepare_torch, train
from ratchet.training.result import CandidateResult, weights_digest
from ratchet.training.supervision.exit_reason import is_out_of_memory
from ratchet.training.supervision.watchdog import heartbeat
from ratchet.training.task import Task
from ratchet.training.validation import evaluate, measure, measure_served, validation_logits, watched

_REGRESSION = 10  # times the usual limit: a regression of thousands of steps reports no progress in between


def train_candidate(task: Task, report: Report) -> CandidateResult:
    """Train one candidate and write its adapter folder; one that cannot be trained is returned as failed.

    Raises `PeerExitedError` and out-of-memory errors, which are not the candidate's fault.
    """
    prepare_torch()
    task.folder.mkdir(exist_ok=True)
    started = time.perf_counter()
    try:
        result = _trainer_of(task.candidate)(task, report)
    except RatchetError as error:
        if is_out_of_memory(error):
            raise MemoryError(str(error)) from error
        return replace(task.blank_result(), reason=str(error), seconds=time.perf_counter() - started)
    adapter = task.folder / "adapter"
    heartbeat()
    # loaded from the disk as the gateway does, so that the figures belong to the bytes that will serve
    logits, labels = validation_logits(watched(load_predictor(adapter), task), task.calibration)
    served = measure_served(logits, labels)
    return replace(
        result,
        status="trained",
        folder=f"{task.folder.name}/adapter",
        weights_digest=weights_digest(adapter),
        calibration=measure(logits, labels),
        served_nll=served.nll,
        served_macro_nll=served.macro_nll,
        seconds=time.perf_counter() - started,
    )


def _trainer_of(candidate: Candidate) -> "Callable[[Task, Report], CandidateResult]":
    if candidate.method == "probe":
        return _train_probe
    if candidate.method == "dpo":
        return _train_with_preferences
    return _train_with_sft if candidate.trainer == "sft" else _train_lora


def _train_lora(task: Task, report: Report) -> CandidateResult:
    found = train(task, report)
    result = finish(task, found.settings, found.tensors, found.history, found.share, found.kept_s)
    shutil.rmtree(task.checkpoints)
    return replace(result, lower_layers=found.lower_layers)


def _train_with_preferences(task: Task, report: Report) -> CandidateResult:
    from ratchet.training.trl.dpo_pass import run_dpo_pass

    found = train(task, report)
    passed = run_dpo_pass(task, found, report)
    result = finish(task, found.settings, passed.tensors, passed.history, found.share)
    shutil.rmtree(task.checkpoints)
    trained_s = found.kept_s + sum(epoch.train_seconds for epoch in found.history.epochs)
    return replace(
        result,
        lower_layers=found.lower_layers,
        pairs=passed.pairs,
        first_kept=passed.first_kept,
        stopped_early=found.history.stopped_early(task.candidate),
        samples_per_second=len(task.train) * len(found.history.epochs) / trained_s,
    )


def _train_with_sft(task: Task, report: Report) -> CandidateResult:
    from ratchet.training.trl.sft import train_with_sft

    candidate = task.candidate
    tokenizer = load_prompt_tokenizer(
        task.base.folder, task.prompt, candidate.max_tokens, LATEST.rendered(candidate.rendering)
    )

    def judged(settings: LoraSettings | None, tensors: Tensors) -> ValidationMetrics:
        return evaluate(task, tokenizer, settings, tensors)

    result = finish(task, *train_with_sft(task, tokenizer, judged, report))
    shutil.rmtree(task.checkpoints)
    return result


def _train_probe(task: Task, report: Report) -> CandidateResult:
    from ratchet.training.linear_probe import fit_probe

    started = time.perf_counter()
    texts = [render(text, task.candidate.rendering) for text, _ in task.train]
    embeddings = keep_embeddings(task.work, task.base.name, texts, task.candidate.max_tokens, task.room.watch)
    heartbeat(times=_REGRESSION)
    targets = np.array(task.targets, dtype=np.int64)
    tensors = fit_probe(embeddings, targets, len(task.plan.labels), task.candidate)
    heartbeat()
    seconds = time.perf_counter() - started
    write_adapter(task, {form.WEIGHTS["probe"]: as_safetensors(tensors)})
    return replace(task.blank_result(), samples_per_second=len(task.train) / seconds)
