"""Training of one candidate by our own loop in two processes, from the task to the tensors of the best epoch.

Add here what both processes need before the first epoch. The epochs are in `loop.py`; the tensors are used in
`ratchet/training/methods.py`.
"""

import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ratchet.metrics.calibration import UNCALIBRATED
from ratchet.models.adapters.peft_format import LoraSettings
from ratchet.models.inference.predictor import Predictor
from ratchet.models.preprocessing import LATEST
from ratchet.models.prompt_tokenizer import PromptTokenizer, load_prompt_tokenizer
from ratchet.models.tokenization import TextTokenizer, encode_texts, load_tokenizer
from ratchet.training.history import Epoch, History, Tensors, ValidationMetrics
from ratchet.training.native.activation_caching import cache_lower_layers
from ratchet.training.native.data_parallel import PeerProcess, ProcessPair, SingleProcess
from ratchet.training.native.loop import TrainingSet, train_epochs, train_epochs_as_peer
from ratchet.training.quantization import prepare_quantising
from ratchet.training.supervision.watchdog import heartbeat
from ratchet.training.task import Task
from ratchet.training.teacher_targets import ask_teacher, goals_of_answers
from ratchet.training.validation import evaluate, judge

if TYPE_CHECKING:
    from ratchet.training.native.trainable_model import TrainableModel

Report = Callable[[Epoch], None]


@dataclass(frozen=True)
class TrainedModel:
    """Outcome of our own loop, in memory; its checkpoints are still on disk."""

    settings: LoraSettings | None
    tensors: Tensors
    history: History
    share: float
    tokenizer: TextTokenizer
    lower_layers: str
    kept_s: float
    """Seconds spent on the lower layers before the first epoch."""


def train(task: Task, report: Report) -> TrainedModel:
    """Train until the epochs or the patience are used up, on a CPU with a second process."""
    from ratchet.training.device import learning_device, read_processes

    command = [sys.executable, "-m", "ratchet.training", str(task.work), "--candidate", str(task.index)]
    halved = ["--halved"] if task.room.halved else []
    ask_teacher(task)  # before the second process starts, which reads the goals from disk
    peer = PeerProcess([*command, "--parent", str(os.getpid()), *halved])
    # One process is enough for a GPU, and for a machine with one core.
    shared = learning_device().type == "cpu" and read_processes() == 2
    with peer if shared else nullcontext(SingleProcess()) as pair:
        trainee, training_set, tokenizer = _open_training_set(task)
        started = time.perf_counter()
        lower_layers = cache_lower_layers(
            trainee, _known_rows(task, training_set, tokenizer), task.folder, pair, task.room
        )
        kept_s = time.perf_counter() - started

        def judged(tensors: Tensors) -> ValidationMetrics:
            if not isinstance(tokenizer, PromptTokenizer) or task.candidate.method == "qlora":
                return evaluate(task, tokenizer, trainee.settings, tensors)
            trainee.model.eval()  # the model that learns, in its fast format: this only chooses the epoch
            return judge(task, Predictor(task.plan.labels, UNCALIBRATED, tokenizer, trainee.pad_id, trainee.answer))

        tensors, history = train_epochs(trainee, training_set, task.checkpoints, pair, judged, report)
    return TrainedModel(trainee.settings, tensors, history, trainee.trainable_share, tokenizer, lower_layers, kept_s)


def train_as_peer(task: Task, pair: ProcessPair) -> None:
    """Run the second process of a candidate's training until the first one orders to stop."""
    prepare_torch()
    prepare_quantising((task.candidate,))
    trainee, training_set, tokenizer = _open_training_set(task)
    cache_lower_layers(trainee, _known_rows(task, training_set, tokenizer), task.folder, pair, task.room)
    train_epochs_as_peer(trainee, training_set, task.checkpoints, pair)


def prepare_torch() -> None:
    """Set one thread and deterministic sums; called first by every process that trains."""
    import torch

    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True, warn_only=torch.cuda.is_available())
    heartbeat()


def _open_training_set(task: Task) -> "tuple[TrainableModel, TrainingSet, TextTokenizer]":
    from ratchet.training.native.causal_model import build_causal_model
    from ratchet.training.native.model_setup import build_encoder_model

    candidate, k, base = task.candidate, len(task.plan.labels), task.base
    tokenizer: TextTokenizer
    reading = LATEST.rendered(candidate.rendering)
    if candidate.family == "causal":
        tokenizer = load_prompt_tokenizer(base.folder, task.prompt, candidate.max_tokens, reading)
        trainee: TrainableModel = build_causal_model(base.folder, base.name, candidate, tokenizer)
    else:
        tokenizer = load_tokenizer(base.folder, candidate.max_tokens, reading)
        trainee = build_encoder_model(base.folder, base.name, candidate, k)
    rows = encode_texts(tokenizer, [text for text, _ in task.train])
    heartbeat()
    return trainee, TrainingSet(candidate, rows, task.targets, k, task.room, goals_of_answers(task)), tokenizer


def _known_rows(task: Task, training_set: TrainingSet, tokenizer: TextTokenizer) -> list[Sequence[int]]:
    """Rows of every epoch: the training rows and, where the same model is evaluated, the calibration rows."""
    if task.candidate.family != "causal":
        return list(training_set.rows)
    return [*training_set.rows, *encode_texts(tokenizer, [text for text, _ in task.calibration])]
