"""Setup of TRL's stock trainers: arguments, our schedule, and a callback after each epoch.

The trainer owns the steps. After each epoch the callback evaluates the weights by the serving path, reports the
figures, stores the best and stops when patience is used up, as our own loop does. Resuming after a kill is in
`trainer_state.py`. Add here what stock trainers share; what is particular to `SFTTrainer` is in `sft.py`.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ratchet.config.candidate import Candidate
from ratchet.core.errors import RatchetError
from ratchet.core.failpoints import failpoint
from ratchet.core.process_lifetime import freeze_imports
from ratchet.models.encoders import quiet_loading
from ratchet.training.checkpoints import load_best_epoch, load_last_epoch, masters_of, save_epoch
from ratchet.training.device import fast_dtype
from ratchet.training.history import Epoch, History, Tensors, ValidationMetrics
from ratchet.training.lr_schedule import learning_rate_at
from ratchet.training.native.model_setup import WEIGHT_DECAY
from ratchet.training.native.trainable_model import CLIP_NORM
from ratchet.training.supervision.memory_budget import MemoryBudget
from ratchet.training.supervision.watchdog import heartbeat
from ratchet.training.trl.trainer_state import (
    count_steps,
    learned_tensors,
    put_tensors,
    restore_optimiser,
    take_snapshot,
)

_APART = 1_000_003  # distance of the seeds of two epochs, so that candidates with neighbouring seeds share none


def stock_arguments(candidate: Candidate, examples: int, folder: Path, room: MemoryBudget) -> dict[str, Any]:
    """Arguments of `transformers.TrainingArguments` and its subclasses, for a candidate with so many examples.

    Weight decay and clipping are those of our own loop; nothing is saved, uploaded or downloaded.
    """
    import torch

    gpu = torch.cuda.is_available()
    batch = candidate.batch_of(examples)
    parts = equal_parts(batch, candidate.accumulate * (2 if room.halved else 1))
    return {
        "output_dir": str(folder),
        "num_train_epochs": candidate.epochs,
        "per_device_train_batch_size": batch // parts,
        "gradient_accumulation_steps": parts,
        "gradient_checkpointing": candidate.checkpointing,
        "gradient_checkpointing_kwargs": {"use_reentrant": False} if candidate.checkpointing else None,
        "learning_rate": candidate.learning_rate,
        "weight_decay": WEIGHT_DECAY,
        "max_grad_norm": CLIP_NORM,
        "seed": candidate.seed,
        "data_seed": candidate.seed,
        "bf16": fast_dtype() == torch.bfloat16,
        "use_cpu": not gpu,
        "dataloader_pin_memory": gpu,
        "train_sampling_strategy": "group_by_length",
        "logging_strategy": "epoch",
        "logging_nan_inf_filter": False,  # a loss of NaN ends the training; the filter would leave it out of the mean
        "save_strategy": "no",
        "eval_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
    }


def equal_parts(batch: int, least: int) -> int:
    """Number of equal parts of a batch, `least` or more if it has so many examples; the step stays the same."""
    return next((parts for parts in range(least, batch) if batch % parts == 0), batch)


class ScheduleMixin:
    """Mixin for a trainer of transformers: the learning rates of our own loop, and no checkpoints of its own.

    At the stock rates the first step learns nothing. Stock checkpoints hold pickles, so none is written or read.
    """

    optimizer: Any
    lr_scheduler: Any = None
    steps_done = 0
    """Number of steps before this process began."""

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        """Create the schedule of the trainer's optimiser, once."""
        from torch.optim.lr_scheduler import LambdaLR

        if self.lr_scheduler is None:
            chosen = self.optimizer if optimizer is None else optimizer
            for group in chosen.param_groups:
                group["initial_lr"] = group["lr"]
            self.lr_scheduler = LambdaLR(
                chosen, lambda step: learning_rate_at(step, num_training_steps, 1.0), last_epoch=self.steps_done - 1
            )
        return self.lr_scheduler

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        """Do nothing: the trained tensors are in the model already."""


@dataclass
class EpochCallback:
    """Evaluation, report and checkpoint after each epoch of a stock trainer."""

    candidate: Candidate
    room: MemoryBudget
    folder: Path
    """Folder of finished epochs."""
    evaluate: Callable[[Tensors], ValidationMetrics]
    report: Callable[[Epoch], None]
    history: History = field(default_factory=History)
    _started: float = 0.0

    def begin_epoch(self) -> None:
        """Seed all randomness of an epoch from the candidate's seed and the epoch's number."""
        from transformers import set_seed

        set_seed((self.candidate.seed + _APART * len(self.history.epochs)) % 2**32)
        self._started = time.perf_counter()

    def end_epoch(self, model: Any, optimiser: Any, loss: float) -> bool:
        """Finish an epoch; return True to stop. Raises `RatchetError` for a mean loss that is not finite."""
        number = len(self.history.epochs) + 1
        check_loss(loss, number, self.candidate)
        trained_s = time.perf_counter() - self._started
        measured = asdict(self.evaluate(learned_tensors(model)))
        seconds = time.perf_counter() - self._started
        epoch = Epoch(number, loss, **measured, seconds=seconds, train_seconds=trained_s)
        self.history = replace(self.history.with_epoch(epoch), halved=self.history.halved or self.room.halved)
        save_epoch(self.folder, self.history, take_snapshot(model, optimiser))
        self.report(epoch)
        failpoint("training.after_watched_epoch")
        return self.history.finished(self.candidate)


def check_loss(loss: float, number: int, candidate: Candidate) -> None:
    """Raise `RatchetError` unless the loss of epoch `number` is finite."""
    if not math.isfinite(loss):
        raise RatchetError(
            f"the training loss became {loss} in epoch {number}.",
            f"Lower learning_rate ({candidate.learning_rate}) or alpha ({candidate.alpha}).",
            code="diverged",
        )


def run_watched(trainer: Any, watch: EpochCallback) -> tuple[Tensors, History]:
    """Run a TRL or transformers trainer with `ScheduleMixin` under a callback, resuming a killed training.

    Returns the best epoch's tensors, and the history.
    """
    from transformers import PrinterCallback, TrainerCallback, TrainerState

    watch.history, snapshot = load_last_epoch(watch.folder)

    class Eyes(TrainerCallback):  # type: ignore[misc] # transformers is untyped
        def on_train_begin(self, args: Any, state: Any, control: Any, model: Any, optimizer: Any, **more: Any) -> None:
            if snapshot is not None:
                restore_optimiser(model, optimizer, snapshot)

        def on_epoch_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            watch.begin_epoch()

        def on_substep_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            watch.room.leave()

        def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            watch.room.leave()

        def on_log(
            self, args: Any, state: Any, control: Any, logs: dict[str, Any], model: Any, optimizer: Any, **more: Any
        ) -> None:
            if "loss" in logs:  # the figures of an epoch; those of the whole training have `train_loss`
                control.should_training_stop |= watch.end_epoch(model, optimizer, float(logs["loss"]))

    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(Eyes())
    heartbeat()
    freeze_imports()
    if snapshot is None:
        trainer.train()
    elif not watch.history.finished(watch.candidate):
        put_tensors(trainer.model, masters_of(snapshot))
        trainer.steps_done = count_steps(snapshot)
        # transformers resumes from a folder with its state; tensors and optimiser are restored by our own code
        point = Path(trainer.args.output_dir)
        point.mkdir(parents=True, exist_ok=True)
        state = TrainerState(global_step=trainer.steps_done, train_batch_size=trainer.args.train_batch_size)
        state.save_to_json(str(point / "trainer_state.json"))
        trainer.train(resume_from_checkpoint=str(point))
    if not watch.history.epochs:
        raise RatchetError("the training ended before its first epoch.", "Give the candidate more training examples.")
    return load_best_epoch(watch.folder, watch.history), watch.history


@contextmanager
def quiet_trainer() -> Iterator[None]:
    """Silence the progress bars and messages of transformers and datasets."""
    import datasets

    datasets.disable_progress_bars()
    with quiet_loading():
        yield
