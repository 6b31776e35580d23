"""Two processes add their vectors through shared memory, and notice when the other is gone."""

import os
import socket
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from ratchet.training.native.data_parallel import ProcessPair
from ratchet.training.supervision.exit_reason import PeerExitedError


@pytest.fixture
def pair() -> Iterator[tuple[ProcessPair, ProcessPair]]:
    """Both ends of a process pair, in one process."""
    memory = os.memfd_create("test")
    ends = socket.socketpair()
    both = ProcessPair(0, memory, ends[0].detach()), ProcessPair(1, os.dup(memory), ends[1].detach())
    yield both
    for end in both:
        end.close()


def test_both_get_the_same_sum_every_time(pair: tuple[ProcessPair, ProcessPair]) -> None:
    """Over many rounds neither reads what the other has begun to overwrite."""
    rounds = [np.random.default_rng(seed).normal(size=1000).astype(np.float32) for seed in range(200)]
    sums: list[list[bytes]] = [[], []]

    def run(rank: int) -> None:
        for vector in rounds:
            sums[rank].append(pair[rank].all_reduce(vector * (rank + 1)).tobytes())

    other = threading.Thread(target=run, args=(1,))
    other.start()
    run(0)
    other.join()
    assert sums[0] == sums[1] == [(vector + vector * np.float32(2)).tobytes() for vector in rounds]


def test_orders_arrive_in_order(pair: tuple[ProcessPair, ProcessPair]) -> None:
    """What the first tells, the second hears."""
    pair[0].send_order("restore", 3)
    pair[0].send_order("train", 4)
    pair[0].send_order("stop")
    assert [pair[1].receive_order() for _ in range(3)] == [("restore", 3), ("train", 4), ("stop", 0)]


def test_the_death_of_the_other_is_an_error(pair: tuple[ProcessPair, ProcessPair]) -> None:
    """When one end is gone, waiting for it ends with an error instead of hanging, and not with one that a candidate may
    have."""
    pair[1].disconnect()
    with pytest.raises(PeerExitedError):
        pair[0].all_reduce(np.ones(3, dtype=np.float32))
