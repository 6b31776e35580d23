"""Half the room computes less at once and learns the same: pieces, threads, steps."""

import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch

from ratchet.config.candidate import Candidate
from ratchet.training.batching import TOKENS_AT_ONCE
from ratchet.training.history import ValidationMetrics
from ratchet.training.native.data_parallel import SingleProcess
from ratchet.training.native.loop import TrainingSet, train_epochs
from ratchet.training.native.model_setup import build_encoder_model
from ratchet.training.supervision import memory_budget as module
from ratchet.training.supervision.memory_budget import MemoryBudget

Plant = Callable[..., ModuleType]


def another_gets_in(room: MemoryBudget, wait_s: float) -> bool:
    """Whether a second thread computes a batch while the first one is in the middle of one, and waits for it."""
    others: list[threading.Thread] = []
    came = threading.Event()
    found: list[bool] = []

    def rows(ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        if others:
            came.set()
        else:
            others.append(threading.Thread(target=watched, args=(ids, mask)))
            others[0].start()
            found.append(came.wait(wait_s))
        return ids

    watched = room.watch(rows)
    watched(torch.zeros(1), torch.zeros(1))
    others[0].join()
    return found[0]


def learn(tiny_base: Path, folder: Path, room: MemoryBudget) -> tuple[list[int], float, bool]:
    """Padded tokens of each piece that the model learned from, the optimiser's steps, and what the history says."""
    candidate = Candidate(base=str(tiny_base), rank=2, alpha=4.0, epochs=1, batch=64, max_tokens=32)
    rows = [[2, *([5 + n % 7] * 22), 3] for n in range(64)]
    trainee = build_encoder_model(tiny_base, str(tiny_base), candidate, 3, torch.float32)
    tokens: list[int] = []

    def note(model: torch.nn.Module, args: object, words: dict[str, torch.Tensor]) -> None:
        if torch.is_grad_enabled():
            tokens.append(words["input_ids"].numel())

    trainee.model.register_forward_pre_hook(note, with_kwargs=True)
    lesson = TrainingSet(candidate, rows, [n % 3 for n in range(64)], 3, room)
    _, history = train_epochs(
        trainee,
        lesson,
        folder,
        SingleProcess(),
        lambda tensors: ValidationMetrics(0.5, 0.5, 0.1, 0.2),
        lambda epoch: None,
    )
    return tokens, float(trainee.optimiser.state[trainee.flat]["step"]), history.halved


def test_half_the_room_learns_in_pieces_of_half_the_size(tiny_base: Path, tmp_path: Path) -> None:
    """The optimiser makes the same steps; the history, and what a resumed one reads, says that the room was halved."""
    whole = learn(tiny_base, tmp_path / "whole", MemoryBudget())
    halved = learn(tiny_base, tmp_path / "halved", MemoryBudget(halved=True))
    assert TOKENS_AT_ONCE / 2 < max(whole[0]) <= TOKENS_AT_ONCE
    assert max(halved[0]) <= TOKENS_AT_ONCE / 2
    assert [whole[1:], halved[1:]] == [(1.0, False), (1.0, True)]
    assert sum(halved[0]) == sum(whole[0])
    assert learn(tiny_base, tmp_path / "halved", MemoryBudget())[2]


@pytest.mark.parametrize(("halved", "found"), [(False, True), (True, False)])
def test_half_the_room_is_for_one_batch(halved: bool, found: bool) -> None:
    """Two threads compute at once, unless the room is halved."""
    assert another_gets_in(MemoryBudget(halved), wait_s=0.3 if halved else 30) is found


def test_a_room_that_lets_both_in_is_noticed(plant: Plant) -> None:
    """The planted bug forgets whose turn it is."""
    mutant = plant(module, "threading.Lock() if self.halved else nullcontext()", "nullcontext()")
    assert another_gets_in(mutant.MemoryBudget(halved=True), wait_s=30)
