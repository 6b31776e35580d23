"""Early stopping, what a history remembers, and two processes that stay in step."""

import json
import os
import socket
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ratchet.config.candidate import Candidate
from ratchet.training.history import Epoch, History, ValidationMetrics
from ratchet.training.native.data_parallel import ProcessPair
from ratchet.training.native.loop import TrainingSet, train_epochs, train_epochs_as_peer
from ratchet.training.native.model_setup import build_encoder_model


def history_of(*nlls: float) -> History:
    """A history whose epochs had these calibration NLLs."""
    history = History()
    for number, nll in enumerate(nlls, start=1):
        history = history.with_epoch(Epoch(number, 1.0, 0.5, nll, 0.1, 0.2, 1.0, 1.0))
    return history


@pytest.mark.parametrize(
    ("nlls", "best", "finished", "early"),
    [
        ((), 0, False, False),
        ((1.0, 0.9), 2, False, False),
        ((1.0, 0.9, 0.95, 0.9), 2, True, True),
        ((1.0, 0.9, 0.95, 0.8), 4, False, False),
        ((1.0, 0.9, 0.8, 0.7, 0.6), 5, True, False),
        ((1.0, 0.9, 0.8, 0.9, 0.9), 3, True, False),
    ],
)
def test_training_ends_when_patience_or_epochs_do(
    nlls: tuple[float, ...], best: int, finished: bool, early: bool
) -> None:
    """Of five epochs with a patience of two; equal is not better; the best epoch is the earliest of equals."""
    candidate, history = Candidate(epochs=5, patience=2), history_of(*nlls)
    assert [history.best, history.finished(candidate), history.stopped_early(candidate)] == [best, finished, early]


def test_epochs_are_chosen_by_class_and_a_training_of_before_ends_by_items() -> None:
    """The second epoch is better over items and worse over classes; one figure is never compared with the other."""
    figures = ((0.30, 0.50), (0.20, 0.80), (0.25, 0.45))
    epochs = [Epoch(n, 1.0, 0.5, nll, 0.1, 0.2, 1.0, 1.0, macro) for n, (nll, macro) in enumerate(figures, start=1)]

    def best_after(history: History, more: list[Epoch]) -> int:
        for epoch in more:
            history = history.with_epoch(epoch)
        assert History.from_json(json.loads(json.dumps(history.as_json()))) == history
        return history.best

    assert best_after(History(), epochs) == 3
    state = History().with_epoch(epochs[0]).as_json()
    del state["epochs"][0]["macro_nll"]
    assert best_after(History.from_json(state), epochs[1:]) == 2


def test_both_processes_begin_alike_and_stay_alike(tiny_base: Path, tmp_path: Path) -> None:
    """The second starts from another head than the first, takes over the first one's, and ends with the same
    masters."""
    rows = [[2, 5 + n % 7, 3] for n in range(24)]
    candidate = Candidate(base=str(tiny_base), rank=2, alpha=4.0, epochs=2, batch=8, max_tokens=32)
    lesson = TrainingSet(candidate, rows, [n % 3 for n in range(24)], 3)
    trainees = [
        build_encoder_model(tiny_base, str(tiny_base), replace(candidate, seed=seed), 3, torch.float32)
        for seed in (candidate.seed, 7)
    ]
    assert not torch.equal(trainees[0].flat, trainees[1].flat)
    memory, ends = os.memfd_create("test"), socket.socketpair()
    first, second = ProcessPair(0, memory, ends[0].detach()), ProcessPair(1, os.dup(memory), ends[1].detach())
    other = threading.Thread(target=train_epochs_as_peer, args=(trainees[1], lesson, tmp_path, second))
    other.start()
    measured = ValidationMetrics(0.5, 0.5, 0.1, 0.2)
    _, history = train_epochs(trainees[0], lesson, tmp_path, first, lambda tensors: measured, lambda epoch: None)
    other.join()
    for duo in (first, second):
        duo.close()
    assert len(history.epochs) == 2
    assert torch.equal(trainees[0].flat, trainees[1].flat)
