"""The end of a process has the right name, and refused memory is recognised by what libraries really raise."""

import errno
import mmap
import os
import signal
from collections.abc import Callable

import numpy as np
import pytest
import torch

from ratchet.training.supervision.exit_reason import (
    OUT_OF_MEMORY,
    ExitReason,
    diagnose_exit,
    is_out_of_memory,
    second_failure,
)

FAR_TOO_MUCH = 1 << 50  # no processor of today addresses so much


@pytest.mark.parametrize(
    ("returncode", "second", "limit", "cause", "words"),
    [
        (-9, None, None, "killed", "the training was killed (SIGKILL; too little memory is the usual cause)"),
        (137, None, None, "killed", "the training was killed"),
        (1, -9, None, "killed", "the training's second process was killed"),
        (OUT_OF_MEMORY, None, None, "out_of_memory", "the training was out of memory"),
        (1, OUT_OF_MEMORY, None, "out_of_memory", "the training's second process was out of memory"),
        (-14, None, None, "hung", "the training hung: it made no progress for 120 s"),
        (
            -11,
            None,
            2_000_000_000,
            "out_of_memory",
            "was ended by SIGSEGV (memory is limited to 2000 MB: the usual cause)",
        ),
        (-11, None, None, "crashed", "the training was ended by SIGSEGV"),
        (-15, None, 2_000_000_000, "crashed", "the training was ended by SIGTERM"),
        (1, None, None, "crashed", "the training ended with exit code 1"),
        (1, 1, None, "crashed", "the training's second process ended with exit code 1"),
    ],
)
def test_every_end_has_its_name(returncode: int, second: int | None, limit: int | None, cause: str, words: str) -> None:
    """Killed, refused memory, hung or crashed; only a crash is not worth another try."""
    found = diagnose_exit(returncode, 120.0, second, limit)
    assert words in found.words
    assert [found.cause, found.worth_another_try] == [cause, cause != "crashed"]
    assert found.hint


def test_the_sentence_after_two_tries_names_both() -> None:
    """Its cure is that of the last one."""
    error = second_failure(diagnose_exit(-9, 1.0), diagnose_exit(-14, 1.0))
    assert str(error).startswith(
        "the training was killed (SIGKILL; too little memory is the usual cause); with half as many texts"
    )
    assert "at once the training hung: it made no progress for 1 s; silent.txt shows where it stopped. hint:" in str(
        error
    )
    assert error.code == "training_hung"


def refuse_mapping() -> None:
    """Ask the kernel itself."""
    mmap.mmap(-1, FAR_TOO_MUCH)


def refuse_tensor_while_cleaning_up() -> None:
    """Something else is raised on the way out."""
    try:
        torch.zeros(FAR_TOO_MUCH)
    finally:
        raise KeyError("cleaning up")


@pytest.mark.parametrize(
    "ask",
    [lambda: torch.zeros(FAR_TOO_MUCH), lambda: np.ones(FAR_TOO_MUCH), refuse_mapping, refuse_tensor_while_cleaning_up],
)
def test_refused_memory_is_recognised(ask: Callable[[], object]) -> None:
    """Of torch, numpy and the kernel, and behind another error."""
    with pytest.raises(BaseException) as refused:
        ask()
    assert is_out_of_memory(refused.value)


@pytest.mark.parametrize(
    "error", [RuntimeError("shapes differ"), OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), ValueError()]
)
def test_other_errors_are_not_taken_for_it(error: Exception) -> None:
    """A bug stays a bug."""
    assert not is_out_of_memory(error)


def test_an_ending_is_worth_half_the_room_unless_it_is_a_crash() -> None:
    """SIGTERM is an order, not an accident."""
    assert not diagnose_exit(-signal.SIGTERM, 1.0).worth_another_try
    assert ExitReason("killed", "").worth_another_try
