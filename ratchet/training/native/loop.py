"""Epochs of one training: order, schedule, early stopping, resuming after a crash.

Add here what happens from one epoch to the next. One optimiser step is in `trainable_model.py`; checkpoints are in
`ratchet/training/checkpoints.py`.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ratchet.config.candidate import Candidate
from ratchet.core.errors import RatchetError
from ratchet.core.failpoints import failpoint
from ratchet.core.process_lifetime import freeze_imports
from ratchet.metrics.classification import Floats
from ratchet.models.token_batches import pad_batch
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
    """Token ids and class index of each example, and the settings of their training."""

    candidate: Candidate
    rows: Sequence[Sequence[int]]
    targets: Sequence[int]
    k: int
    room: MemoryBudget = FULL
    goals: Floats | None = None
    """Soft targets of a teacher instead of `targets`, [n, k]; None without one."""


def train_epochs(
    trainee: TrainableModel,
    training_set: TrainingSet,
    folder: Path,
    pair: SingleProcess | ProcessPair,
    evaluate: Callable[[Tensors], ValidationMetrics],
    report: Callable[[Epoch], None],
) -> tuple[Tensors, History]:
    """Train until the epochs or the patience are used up; return the best epoch's tensors and the history.

    After each epoch `folder` holds the last and the best state, from which a later call resumes with the same outcome
    as without the interruption. The other process of `pair`, if any, runs `train_epochs_as_peer`.
    """
    candidate = training_set.candidate
    history, tensors = load_last_epoch(folder)
    if tensors is not None:
        trainee.restore(tensors)
    freeze_imports()
    # both have built their models now, so that the first order is followed at once
    pair.barrier()
    if history.epochs:
        pair.send_order("restore", len(history.epochs))
    else:
        pair.send_order("begin")
        _begin(trainee, training_set, pair)
    while not history.finished(candidate):
        number = len(history.epochs) + 1
        started = time.perf_counter()
        pair.send_order("train", number)
        loss = _train_one(trainee, training_set, pair, number)
        trained_s = time.perf_counter() - started
        measured = asdict(evaluate(trainee.tensors()))
        seconds = time.perf_counter() - started
        epoch = Epoch(number, loss, **measured, seconds=seconds, train_seconds=trained_s)
        history = replace(history.with_epoch(epoch), halved=history.halved or training_set.room.halved)
        save_epoch(folder, history, trainee.snapshot())
        report(epoch)
        failpoint("training.after_epoch")
    pair.send_order("stop")
    return load_best_epoch(folder, history), history


def train_epochs_as_peer(trainee: TrainableModel, training_set: TrainingSet, folder: Path, pair: ProcessPair) -> None:
    """Follow the orders of the first process, as the second one, until the order to stop."""
    freeze_imports()
    pair.barrier()
    while (order := pair.receive_order())[0] != "stop":
        verb, number = order
        if verb == "begin":
            _begin(trainee, training_set, pair)
        elif verb == "train":
            _train_one(trainee, training_set, pair, number)
        elif (result := read_checkpoint(folder / f"epoch-{number}")) is not None:
            trainee.restore(result[0])


def _begin(trainee: TrainableModel, training_set: TrainingSet, pair: SingleProcess | ProcessPair) -> None:
    """Initialise the head in the first process, and give the second one the same masters."""
    import torch

    mine = torch.zeros(
        trainee.flat.numel() + 1
    )  # as long as the gradients with their loss: `all_reduce` has one length
    if pair.rank == 0:
        at_once = 1 if training_set.room.halved else 2
        seed = training_set.candidate.seed
        init_head(trainee, training_set.rows, training_set.targets, training_set.k, seed, at_once=at_once)
        mine[:-1] = trainee.flat.detach()
    trainee.adopt(torch.from_numpy(pair.all_reduce(mine.numpy()))[:-1])


def _train_one(
    trainee: TrainableModel, training_set: TrainingSet, pair: SingleProcess | ProcessPair, number: int
) -> float:
    """Train epoch `number`; return its mean loss. Raises `RatchetError` for a loss that is not finite."""
    import torch

    candidate, targets = training_set.candidate, torch.tensor(training_set.targets)
    rows, room = training_set.rows, training_set.room
    most = math.ceil(candidate.batch_of(len(rows)) / candidate.accumulate / pair.ranks)
    weights = class_weights(targets, training_set.k)[targets]
    goals = targets if training_set.goals is None else torch.from_numpy(training_set.goals).float()
    trainee.begin_epoch(candidate.seed, number, pair.rank)
    lengths = [len(row) for row in rows]
    batches = bucket_batches(lengths, candidate.batch_of(len(lengths)), candidate.seed, number)
    steps, total = len(batches) * candidate.epochs, 0.0
    for index, batch in enumerate(batches):
        mine = batch[pair.rank :: pair.ranks]
        result = torch.zeros(trainee.flat.numel() + 1)
        for part in split_by_tokens(mine, lengths, room.tokens, most):
            ids, mask = pad_batch([rows[row] for row in part], trainee.pad_id)
            # divided by the weights of the whole batch, so that pieces and halves add up to its mean
            result += trainee.gradients(ids, mask, goals[part], weights[part] / weights[batch].sum())
            room.leave(pair.rank)
        summed = torch.from_numpy(pair.all_reduce(result.numpy()))
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
    return total / len(rows)
