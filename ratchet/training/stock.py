"""What a stock trainer of TRL is given here, whatever it optimises: arguments, our schedule, and someone who watches its epochs.

The trainer owns the steps. After each epoch the watch has the weights judged by the path that serves, reports the figures, keeps
the best and stops when patience is used up, as our own loop does. Nothing is remembered on the disk: a training that was killed
starts anew, with the same outcome. Add here what stock trainers share; what `SFTTrainer` learns from is `sft.py`.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratchet.adapter_weights import stored_name
from ratchet.candidate import Candidate
from ratchet.encoders import quiet_loading
from ratchet.errors import RatchetError
from ratchet.failpoints import failpoint
from ratchet.training.device import fast_dtype
from ratchet.training.epochs import Epoch, History, Metrics, Tensors
from ratchet.training.heartbeat import sign_of_life
from ratchet.training.lora import WEIGHT_DECAY
from ratchet.training.room import Room
from ratchet.training.schedule import learning_rate_at
from ratchet.training.trainee import CLIP_NORM

if TYPE_CHECKING:
    import torch


def stock_arguments(candidate: Candidate, examples: int, folder: Path, room: Room) -> dict[str, Any]:
    """What `transformers.TrainingArguments` and its heirs are told for a candidate with so many training examples.

    Weight decay and clipping are those of our own loop; nothing is written, sent or fetched.
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
        "logging_nan_inf_filter": False,  # a loss that is no number ends the training, it is not left out of a mean
        "save_strategy": "no",
        "eval_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
    }


def equal_parts(batch: int, least: int) -> int:
    """Into how many parts of one size a batch is cut, `least` or more where it has so many examples: the step stays what it is."""
    return next((parts for parts in range(least, batch) if batch % parts == 0), batch)


class OurSchedule:
    """Put before a trainer of transformers: the rates of our own loop. By the stock ones the first step learns nothing."""

    optimizer: Any
    lr_scheduler: Any = None

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        """The schedule of the trainer's optimiser, made once."""
        from torch.optim.lr_scheduler import LambdaLR

        if self.lr_scheduler is None:
            chosen = self.optimizer if optimizer is None else optimizer
            self.lr_scheduler = LambdaLR(chosen, lambda step: learning_rate_at(step, num_training_steps, 1.0))
        return self.lr_scheduler


@dataclass
class Watch:
    """Judges, reports and keeps what a stock trainer has after each of its epochs."""

    candidate: Candidate
    room: Room
    evaluate: Callable[[Tensors], Metrics]
    report: Callable[[Epoch], None]
    history: History = field(default_factory=History)
    best: "Tensors | None" = None
    """The stored tensors of the best epoch, float32."""
    _started: float = 0.0

    def begin_epoch(self) -> None:
        """The trainer begins an epoch."""
        self._started = time.perf_counter()

    def end_epoch(self, model: Any, loss: float) -> bool:
        """The trainer ended an epoch with this mean loss; whether it shall stop. Raises `RatchetError` for a loss that is none."""
        number = len(self.history.epochs) + 1
        check_loss(loss, number, self.candidate)
        trained_s = time.perf_counter() - self._started
        tensors = trained_tensors(model)
        measured = asdict(self.evaluate(tensors))
        seconds = time.perf_counter() - self._started
        epoch = Epoch(number, loss, **measured, seconds=seconds, train_seconds=trained_s)
        self.history = replace(self.history.with_epoch(epoch), halved=self.room.halved)
        if self.history.best == number:
            self.best = tensors
        self.report(epoch)
        failpoint("training.after_epoch")
        return self.history.finished(self.candidate)


def check_loss(loss: float, number: int, candidate: Candidate) -> None:
    """Raise `RatchetError` unless the loss of epoch `number` is a number."""
    if not math.isfinite(loss):
        raise RatchetError(
            f"the training loss became {loss} in epoch {number}.",
            f"Lower learning_rate ({candidate.learning_rate}) or alpha ({candidate.alpha}).",
            code="diverged",
        )


def trained_tensors(model: Any) -> "dict[str, torch.Tensor]":
    """What a model learned, float32 by stored name: copies, safe to keep."""
    import torch

    learned = [(name, value) for name, value in model.named_parameters() if value.requires_grad]
    return {stored_name(name): value.detach().to("cpu", torch.float32, copy=True) for name, value in learned}


def run_watched(trainer: Any, watch: Watch) -> tuple["Tensors", History]:
    """Have a TRL or transformers trainer train to its end under a watch; the best epoch's tensors, and the history."""
    from transformers import PrinterCallback, TrainerCallback

    class Eyes(TrainerCallback):  # type: ignore[misc] # transformers is untyped
        def on_epoch_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            watch.begin_epoch()

        def on_substep_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            watch.room.leave()

        def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            watch.room.leave()

        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any], model: Any, **more: Any) -> None:
            if "loss" in logs:  # the figures of an epoch; those of the whole training say `train_loss`
                control.should_training_stop |= watch.end_epoch(model, float(logs["loss"]))

    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(Eyes())
    sign_of_life()
    trainer.train()
    if watch.best is None:
        raise RatchetError("the trainer ended before an epoch did.", "Give the candidate more training examples.")
    return watch.best, watch.history


@contextmanager
def quiet_trainer() -> Iterator[None]:
    """Without the progress bars and remarks of transformers and datasets."""
    import datasets

    datasets.disable_progress_bars()
    with quiet_loading():
        yield
