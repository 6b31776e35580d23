"""What stock trainers are told: the batch of the candidate, in parts, and the rates of our own loop."""

from pathlib import Path

import pytest
import torch

from ratchet.config.candidate import Candidate
from ratchet.training.lr_schedule import learning_rate_at
from ratchet.training.supervision.memory_budget import MemoryBudget
from ratchet.training.trl.trainer_setup import ScheduleMixin, equal_parts, stock_arguments


@pytest.mark.parametrize(
    ("batch", "least", "parts"), [(8, 1, 1), (8, 3, 4), (9, 2, 3), (7, 2, 7), (8, 8, 8), (8, 9, 8), (1, 2, 1)]
)
def test_a_batch_is_cut_into_equal_parts(batch: int, least: int, parts: int) -> None:
    """None of them is larger than asked for, and together they are the batch."""
    assert equal_parts(batch, least) == parts


@pytest.mark.parametrize("batch", [6, 7, 8, 9, 15])
@pytest.mark.parametrize("halved", [False, True])
def test_a_step_is_of_the_candidates_batch(tmp_path: Path, batch: int, halved: bool) -> None:
    """Whatever the parts, and in half the room."""
    told = stock_arguments(Candidate(family="causal", batch=batch, accumulate=2), 100, tmp_path, MemoryBudget(halved))
    assert told["per_device_train_batch_size"] * told["gradient_accumulation_steps"] == batch
    assert told["gradient_accumulation_steps"] >= (4 if halved else 2)


@pytest.mark.parametrize("steps", [1, 2, 25])
def test_the_rates_are_those_of_our_own_loop(steps: int) -> None:
    """From the first step, which is never at zero, to the last."""
    trainer = ScheduleMixin()
    trainer.optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    schedule, rates = trainer.create_scheduler(steps), []
    for _ in range(steps):
        rates.append(schedule.get_last_lr()[0])
        trainer.optimizer.step()
        schedule.step()
    assert rates == pytest.approx([learning_rate_at(step, steps, 0.5) for step in range(steps)])
    assert min(rates) > 0
    assert trainer.create_scheduler(steps) is schedule
