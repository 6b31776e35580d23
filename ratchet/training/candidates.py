"""One candidate from plan to adapter folder: which method trains it, how it is judged, what is written.

Add a method here. How each learns is in `trainee.py` with `epochs.py`, and in `probe.py`.
"""

import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ratchet import adapter_format as form
from ratchet.adapter_weights import LoraSettings
from ratchet.calibration import UNCALIBRATED, fit_calibration, softmax
from ratchet.canary import record_canary
from ratchet.candidate import Candidate
from ratchet.causal import load_causal
from ratchet.embedding import keep_embeddings
from ratchet.encoders import apply_adapter, load_classifier
from ratchet.encoding import TextTokenizer, encode_texts, load_tokenizer
from ratchet.errors import RatchetError
from ratchet.evaluation import Floats, Integers, brier_score, expected_calibration_error, macro_f1, negative_log_likelihood
from ratchet.files import fsync_folder, write_atomically
from ratchet.identity import canonical_json
from ratchet.opened_adapter import make_card
from ratchet.prediction import Predictor, causal_predictor, classifier_predictor, load_predictor
from ratchet.prompt_tokenizer import PromptTokenizer, load_prompt_tokenizer
from ratchet.training.duo import Alone, Duo, Second
from ratchet.training.ending import is_out_of_memory
from ratchet.training.epochs import Epoch, History, Lesson, Metrics, Tensors, follow, train_epochs
from ratchet.training.heartbeat import sign_of_life
from ratchet.training.kept import keep_lower
from ratchet.training.outcome import CandidateResult, weights_digest
from ratchet.training.quantised import prepare_quantising
from ratchet.training.task import Task
from ratchet.training.teaching import ask_teacher, said_goals

if TYPE_CHECKING:
    import torch

    from ratchet.training.trainee import Trainee

Report = Callable[[Epoch], None]
_REGRESSION = 10  # times the usual silence: a regression of thousands of steps cannot tell how far it is


def train_candidate(task: Task, report: Report) -> CandidateResult:
    """Train one candidate and leave its adapter folder; a candidate that cannot be trained comes back as failed.

    What is no fault of the candidate is raised: `OtherEndedError`, and whatever says that memory was refused.
    """
    _prepare_torch()
    task.folder.mkdir(exist_ok=True)
    started = time.perf_counter()
    try:
        result = _trainer_of(task.candidate)(task, report)
    except RatchetError as error:
        if is_out_of_memory(error):
            raise MemoryError(str(error)) from error
        return replace(task.blank_result(), reason=str(error), seconds=time.perf_counter() - started)
    adapter = task.folder / "adapter"
    sign_of_life()
    logits, labels = answer(_watched(load_predictor(adapter), task), task.calibration)
    return replace(
        result,
        status="trained",
        folder=f"{task.folder.name}/adapter",
        weights_digest=weights_digest(adapter),
        calibration=measure(logits, labels),
        served_nll=_measure_served(logits, labels),
        seconds=time.perf_counter() - started,
    )


def _trainer_of(candidate: Candidate) -> "Callable[[Task, Report], CandidateResult]":
    if candidate.method == "probe":
        return _train_probe
    if candidate.method == "dpo":
        return _train_with_preferences
    return _train_with_sft if candidate.trainer == "sft" else _train_lora


def answer(predictor: Predictor, examples: Sequence[tuple[str, str]]) -> tuple[Floats, Integers]:
    """Logits [n, k] of `(text, label)` pairs, and the class indices of their labels [n]."""
    labels = np.array([predictor.labels.index(label) for _, label in examples], dtype=np.int64)
    return predictor.logits([text for text, _ in examples]), labels


def measure(logits: Floats, labels: Integers) -> Metrics:
    """How good uncalibrated logits [n, k] are for `labels` [n] that were not trained on."""
    probabilities = softmax(logits)
    return Metrics(
        macro_f1=macro_f1(probabilities.argmax(axis=1), labels, logits.shape[1]),
        nll=negative_log_likelihood(probabilities, labels),
        ece=expected_calibration_error(probabilities, labels),
        brier=brier_score(probabilities, labels),
    )


def _measure_served(logits: Floats, labels: Integers) -> float:
    """NLL as it will be served, with a temperature of the other folds; without one where none can be fitted."""
    try:
        found = fit_calibration(logits, labels).nll_after
    except RatchetError:  # the stage that seals the adapter says why, if this candidate is the one
        found = None
    return negative_log_likelihood(softmax(logits), labels) if found is None else found


def _watched(predictor: Predictor, task: Task) -> Predictor:
    return replace(predictor, rows=task.room.watch(predictor.rows))


def follow_candidate(task: Task, duo: Duo) -> None:
    """Be the second process of a candidate's training, until the first one orders to stop."""
    _prepare_torch()
    prepare_quantising((task.candidate,))
    trainee, lesson, tokenizer = _open_lesson(task)
    keep_lower(trainee, _known_rows(task, lesson, tokenizer), task.folder, duo, task.room)
    follow(trainee, lesson, task.checkpoints, duo)


def _prepare_torch() -> None:
    import torch

    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True, warn_only=torch.cuda.is_available())
    sign_of_life()


def _open_lesson(task: Task) -> "tuple[Trainee, Lesson, TextTokenizer]":
    from ratchet.training.causal import build_causal_trainee
    from ratchet.training.lora import build_trainee

    candidate, k, base = task.candidate, len(task.plan.labels), task.base
    tokenizer: TextTokenizer
    if candidate.family == "causal":
        tokenizer = load_prompt_tokenizer(base.folder, task.prompt, candidate.max_tokens)
        trainee: Trainee = build_causal_trainee(base.folder, base.name, candidate, tokenizer)
    else:
        tokenizer = load_tokenizer(base.folder, candidate.max_tokens)
        trainee = build_trainee(base.folder, base.name, candidate, k)
    rows = encode_texts(tokenizer, [text for text, _ in task.train])
    sign_of_life()
    return trainee, Lesson(candidate, rows, task.targets, k, task.room, said_goals(task)), tokenizer


def _known_rows(task: Task, lesson: Lesson, tokenizer: TextTokenizer) -> list[Sequence[int]]:
    """The rows that come again in every epoch: those learned from, and where the same model judges, those judged."""
    if task.candidate.family != "causal":
        return list(lesson.rows)
    return [*lesson.rows, *encode_texts(tokenizer, [text for text, _ in task.calibration])]


def _train_lora(task: Task, report: Report) -> CandidateResult:
    found = _learn(task, report)
    result = _finish(task, found.settings, found.tensors, found.history, found.share, found.kept_s)
    shutil.rmtree(task.checkpoints)
    return replace(result, lower_layers=found.lower_layers)


@dataclass(frozen=True)
class _Learned:
    """What our own loop left in memory; the checkpoints still lie on the disk."""

    settings: LoraSettings | None
    tensors: Tensors
    history: History
    share: float
    tokenizer: TextTokenizer
    lower_layers: str
    kept_s: float
    """Seconds that the lower layers took before."""


def _learn(task: Task, report: Report) -> _Learned:
    from ratchet.training.device import learning_device

    command = [sys.executable, "-m", "ratchet.training", str(task.work), "--candidate", str(task.index)]
    halved = ["--halved"] if task.room.halved else []
    ask_teacher(task)  # before the other process looks for what it said
    second = Second([*command, "--parent", str(os.getpid()), *halved])
    with second if learning_device().type == "cpu" else nullcontext(Alone()) as duo:  # a GPU is fed by one process
        trainee, lesson, tokenizer = _open_lesson(task)
        started = time.perf_counter()
        lower_layers = keep_lower(trainee, _known_rows(task, lesson, tokenizer), task.folder, duo, task.room)
        kept_s = time.perf_counter() - started

        def evaluate(tensors: Tensors) -> Metrics:
            if not isinstance(tokenizer, PromptTokenizer) or task.candidate.method == "qlora":
                return _evaluate(task, tokenizer, trainee.settings, tensors)
            trainee.model.eval()  # the very model that learns, in its fast numbers: it only chooses the epoch
            return _judge(task, Predictor(task.plan.labels, UNCALIBRATED, tokenizer, trainee.pad_id, trainee.answer))

        tensors, history = train_epochs(trainee, lesson, task.checkpoints, duo, evaluate, report)
    return _Learned(trainee.settings, tensors, history, trainee.trainable_share, tokenizer, lower_layers, kept_s)


def _train_with_preferences(task: Task, report: Report) -> CandidateResult:
    from ratchet.training.preference import join_histories, mine_pairs, prefer

    found = _learn(task, report)
    tokenizer = found.tokenizer
    if not isinstance(tokenizer, PromptTokenizer) or found.settings is None:
        raise ValueError("preferences are of codes, which only a prompt has, and held to the LoRA before them")
    model = load_causal(task.base.folder)
    apply_adapter(model, found.settings, found.tensors)
    predictor = causal_predictor(model, task.plan.labels, UNCALIBRATED, tokenizer)
    pairs = mine_pairs(answer(_watched(predictor, task), task.train)[0], task.targets)
    before = len(found.history.epochs)

    def evaluate(tensors: Tensors) -> Metrics:
        return _evaluate(task, tokenizer, found.settings, tensors)

    tensors, history = prefer(
        task,
        tokenizer,
        found.settings,
        found.tensors,
        pairs,
        evaluate,
        lambda epoch: report(replace(epoch, epoch=epoch.epoch + before)),
    )
    whole = join_histories(found.history, history)
    result = _finish(task, found.settings, tensors, whole, found.share)
    shutil.rmtree(task.checkpoints)
    trained_s = found.kept_s + sum(epoch.train_seconds for epoch in found.history.epochs)
    return replace(
        result,
        lower_layers=found.lower_layers,
        pairs=len(pairs),
        stopped_early=found.history.stopped_early(task.candidate),
        samples_per_second=len(task.train) * before / trained_s,
    )


def _train_with_sft(task: Task, report: Report) -> CandidateResult:
    from ratchet.training.sft import train_with_sft

    tokenizer = load_prompt_tokenizer(task.base.folder, task.prompt, task.candidate.max_tokens)

    def evaluate(settings: LoraSettings | None, tensors: Tensors) -> Metrics:
        return _evaluate(task, tokenizer, settings, tensors)

    return _finish(task, *train_with_sft(task, tokenizer, evaluate, report))


def _evaluate(task: Task, tokenizer: TextTokenizer, settings: LoraSettings | None, tensors: Tensors) -> Metrics:
    """How good an epoch's tensors are on the calibration split, by the path that serves."""
    from ratchet.training.device import fast_dtype

    labels = task.plan.labels
    if isinstance(tokenizer, PromptTokenizer):  # in the fast numbers: it only chooses the epoch
        model = load_causal(task.base.folder, str(fast_dtype()).removeprefix("torch."))
        apply_adapter(model, settings, tensors)
        predictor: Predictor = causal_predictor(model, labels, UNCALIBRATED, tokenizer)
    else:
        model = load_classifier(task.base.folder, len(labels))
        apply_adapter(model, settings, tensors)
        predictor = classifier_predictor(model, labels, UNCALIBRATED, tokenizer)
    return _judge(task, predictor)


def _judge(task: Task, predictor: Predictor) -> Metrics:
    return measure(*answer(_watched(predictor, task), task.calibration))


def _finish(
    task: Task, settings: LoraSettings | None, tensors: Tensors, history: History, share: float, kept_s: float = 0
) -> CandidateResult:
    """Write the adapter of the best epoch, and say what is known of its training; `kept_s` were spent on lower layers before it."""
    said = {} if settings is None else {form.CONFIG: canonical_json(settings.as_json()).encode()}
    _write_adapter(task, {**said, form.WEIGHTS[task.candidate.form]: _save(tensors)})
    adapted = () if settings is None else settings.target_modules
    trained_s = kept_s + sum(epoch.train_seconds for epoch in history.epochs)
    return replace(
        task.blank_result(),
        epochs=history.epochs,
        selected_epoch=history.best,
        stopped_early=history.stopped_early(task.candidate),
        target_modules=tuple(sorted({name.rpartition(".")[2] for name in adapted})),
        matched_layers=len(adapted),
        trainable_share=share,
        resumed_from_epoch=history.resumed_from,
        halved=history.halved or task.room.halved,
        samples_per_second=len(task.train) * len(history.epochs) / trained_s,
    )


def _train_probe(task: Task, report: Report) -> CandidateResult:
    from ratchet.training.probe import fit_probe

    started = time.perf_counter()
    embeddings = keep_embeddings(
        task.work, task.base.name, [text for text, _ in task.train], task.candidate.max_tokens, task.room.watch
    )
    sign_of_life(times=_REGRESSION)
    targets = np.array(task.targets, dtype=np.int64)
    tensors = fit_probe(embeddings, targets, len(task.plan.labels), task.candidate)
    sign_of_life()
    seconds = time.perf_counter() - started
    _write_adapter(task, {form.WEIGHTS["probe"]: _save(tensors)})
    return replace(task.blank_result(), samples_per_second=len(task.train) / seconds)


def _save(tensors: "dict[str, torch.Tensor]") -> bytes:
    from safetensors.torch import save

    content: bytes = save({name: tensor.contiguous() for name, tensor in tensors.items()}, metadata={"format": "pt"})
    return content


def _as_bytes(card: form.AdapterCard) -> bytes:
    return canonical_json(card.as_json()).encode() + b"\n"


def _write_adapter(task: Task, content: dict[str, bytes]) -> None:
    candidate = task.candidate
    prompt = task.prompt if candidate.family == "causal" else None
    card = make_card(task.base, candidate.form, task.plan.labels, candidate.max_tokens, prompt)
    stage, target = task.folder / ".adapter.stage", task.folder / "adapter"
    for folder in (stage, target):
        shutil.rmtree(folder, ignore_errors=True)
    for name, data in {**content, form.CARD: _as_bytes(card)}.items():
        write_atomically(stage / name, data)
    write_atomically(stage / form.CARD, _as_bytes(replace(card, canary=record_canary(stage))))
    stage.rename(target)
    fsync_folder(task.folder)
