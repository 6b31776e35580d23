"""The epochs of one LoRA training: order, schedule, early stopping, resuming after a crash.

Add here what happens from one epoch to the next. One optimiser step is in `trainable_model.py`, what is remembered of
them in `ratchet/training/checkpoints.py`.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ratchet.config.candidate import Candidate
from ratchet.core.errors import RatchetError
from ratchet.core.failpoints import failpoint
from ratchet.metrics.classification import Floats
from ratchet.models.tokenization import pad_batch
from ratchet.training.batching import bucket_batches, split_by_tokens
from ratchet.training.checkpoints import load_best_epoch, load_last_epoch, read_checkpoint, save_epoch
from ratchet.training.history import Epoch, History, Tensors, ValidationMetrics
from ratchet.training.lr_schedule import learning_rate_at
from ratchet.training.native.data_parallel import ProcessPair, SingleProcess
from ratchet.training.native.head_init import init_head
from ratchet.training.native.trainable_model import TrainableModel, class_weights
from ratchet.training.supervision.memory_budget import FULL, MemoryBudget
from ratchet.training.supervision.process_memory import return_freed_memory

_TIDY_EVERY = 16  # batches


@dataclass(frozen=True)
class TrainingSet:
    """What there is to learn: token ids and class index of each example, and how."""

    candidate: Candidate
    rows: Sequence[Sequence[int]]
    targets: Sequence[int]
    k: int
    room: MemoryBudget = FULL
    goals: Floats | None = None
    """What to learn of each class instead of `targets` alone, [n, k], where a teacher was asked."""


def train_epochs(
    trainee: TrainableModel,
    lesson: TrainingSet,
    folder: Path,
    pair: SingleProcess | ProcessPair,
    evaluate: Callable[[Tensors], ValidationMetrics],
    report: Callable[[Epoch], None],
) -> tuple[Tensors, History]:
    """Train until the epochs or the patience are used up; returns the best epoch's tensors and the history.

    After each epoch the last and the best state lie in `folder`, and a later call goes on from there with the same
    outcome as if it had never been interrupted. The other process of `pair`, if there is one, runs
    `train_epochs_as_peer`.
    """
    candidate = lesson.candidate
    history, tensors = load_last_epoch(folder)
    if tensors is not None:
        trainee.restore(tensors)
    pair.meet()
    if history.epochs:
        pair.tell("restore", len(history.epochs))
    else:
        pair.tell("begin")
        _begin(trainee, lesson, pair)
    while not history.finished(candidate):
        number = len(history.epochs) + 1
        started = time.perf_counter()
        pair.tell("train", number)
        loss = _train_one(trainee, lesson, pair, number)
        trained_s = time.perf_counter() - started
        measured = asdict(evaluate(trainee.tensors()))
        seconds = time.perf_counter() - started
        epoch = Epoch(number, loss, **measured, seconds=seconds, train_seconds=trained_s)
        history = replace(history.with_epoch(epoch), halved=history.halved or lesson.room.halved)
        save_epoch(folder, history, trainee.snapshot())
        report(epoch)
        failpoint("training.after_epoch")
    pair.tell("stop")
    return load_best_epoch(folder, history), history


def train_epochs_as_peer(trainee: TrainableModel, lesson: TrainingSet, folder: Path, duo: ProcessPair) -> None:
    """Do, as the second process, what the first one orders, until it orders to stop."""
    duo.meet()
    while (order := duo.listen())[0] != "stop":
        verb, number = order
        if verb == "begin":
            _begin(trainee, lesson, duo)
        elif verb == "train":
            _train_one(trainee, lesson, duo, number)
        elif (result := read_checkpoint(folder / f"epoch-{number}")) is not None:
            trainee.restore(result[0])


def _begin(trainee: TrainableModel, lesson: TrainingSet, pair: SingleProcess | ProcessPair) -> None:
    """Give the head its start in the first process, and the second one the same masters."""
    import torch

    mine = torch.zeros(trainee.flat.numel() + 1)  # as long as the gradients with their loss: `add` knows one length
    if pair.rank == 0:
        at_once = 1 if lesson.room.halved else 2
        init_head(trainee, lesson.rows, lesson.targets, lesson.k, lesson.candidate.seed, at_once=at_once)
        mine[:-1] = trainee.flat.detach()
    trainee.adopt(torch.from_numpy(pair.add(mine.numpy()))[:-1])


def _train_one(trainee: TrainableModel, lesson: TrainingSet, pair: SingleProcess | ProcessPair, number: int) -> float:
    import torch

    candidate, targets = lesson.candidate, torch.tensor(lesson.targets)
    most = math.ceil(candidate.batch_of(len(lesson.rows)) / candidate.accumulate / pair.ranks)
    weights = class_weights(targets, lesson.k)[targets]
    goals = targets if lesson.goals is None else torch.from_numpy(lesson.goals).float()
    trainee.begin_epoch(candidate.seed, number, pair.rank)
    lengths = [len(row) for row in lesson.rows]
    batches = bucket_batches(lengths, candidate.batch_of(len(lengths)), candidate.seed, number)
    steps, total = len(batches) * candidate.epochs, 0.0
    for index, batch in enumerate(batches):
        mine = batch[pair.rank :: pair.ranks]
        result = torch.zeros(trainee.flat.numel() + 1)
        for part in split_by_tokens(mine, lengths, lesson.room.tokens, most):
            ids, mask = pad_batch([lesson.rows[row] for row in part], trainee.pad_id)
            result += trainee.gradients(ids, mask, goals[part], weights[part] / weights[batch].sum())
            lesson.room.leave(pair.rank)
        summed = torch.from_numpy(pair.add(result.numpy()))
        loss = float(summed[-1])
        if not math.isfinite(loss):
            raise RatchetError(
                f"the training loss became {loss} in epoch {number}.",
                f"Lower learning_rate ({candidate.learning_rate}) or alpha ({candidate.alpha}).",
                code="diverged",
            )
        if index % _TIDY_EVERY == 0:
            return_freed_memory()
        done = (number - 1) * len(batches) + index
        trainee.step(summed[:-1], learning_rate_at(done, steps, candidate.learning_rate))
        total += loss * len(batch)
    return total / len(lesson.rows)
