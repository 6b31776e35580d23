"""Early stopping, and what a history remembers."""

import pytest

from ratchet.candidate import Candidate
from ratchet.training.epochs import Epoch, History


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
def test_training_ends_when_patience_or_epochs_do(nlls: tuple[float, ...], best: int, finished: bool, early: bool) -> None:
    """Of five epochs with a patience of two; equal is not better; the best epoch is the earliest of equals."""
    candidate, history = Candidate(epochs=5, patience=2), history_of(*nlls)
    assert [history.best, history.finished(candidate), history.stopped_early(candidate)] == [best, finished, early]
