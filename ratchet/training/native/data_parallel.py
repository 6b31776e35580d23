"""Data parallelism over two processes: each computes half of every batch, and their gradients are added.

On two cores this is far faster than one process with two threads. The sum goes through shared memory and has the same
bits in both; a socket signals that a half is ready, or that the peer has died. Add here how the two communicate; what
they compute is in `loop.py`. Decision record 29 compares this with Gloo.
"""

import mmap
import os
import socket
import struct
import subprocess
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ratchet.training.supervision.exit_reason import PeerExitedError

Verb = Literal["begin", "restore", "train", "stop"]
_VERBS: tuple[Verb, ...] = ("begin", "restore", "train", "stop")
_ORDER = struct.Struct("<BI")
_READY = b"."


class SingleProcess:
    """Pair of one process, which does everything itself."""

    rank = 0
    ranks = 1

    def send_order(self, verb: Verb, epoch: int = 0) -> None:
        """Do nothing: one process has no peer."""

    def barrier(self) -> None:
        """Return at once."""

    def all_reduce(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the vector."""
        return vector


class ProcessPair:
    """One end of a pair: rank 0 sends orders, rank 1 follows them.

    A call raises `PeerExitedError` where the peer has ended.
    """

    ranks = 2

    def __init__(self, rank: int, memory: int, channel: int) -> None:
        self.rank = rank
        self._channel = socket.socket(fileno=channel)
        self._memory = memory
        self._slots: NDArray[Any] | None = None
        self._turn = 0

    def send_order(self, verb: Verb, epoch: int = 0) -> None:
        """Order the peer to do what this process is about to do."""
        self._send(_ORDER.pack(_VERBS.index(verb), epoch))

    def receive_order(self) -> tuple[Verb, int]:
        """Wait for the next order."""
        verb, epoch = _ORDER.unpack(self._receive(_ORDER.size))
        return _VERBS[verb], epoch

    def barrier(self) -> None:
        """Wait until the peer has called this too."""
        self._send(_READY)
        self._receive(len(_READY))

    def all_reduce(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the sum of both processes' vectors, float32 [n], the same bits in both.

        Both must call, always with the same n.
        """
        if self._slots is None:
            os.ftruncate(self._memory, 4 * 4 * len(vector))
            shared = mmap.mmap(self._memory, 0)
            self._slots = np.frombuffer(shared, dtype=np.float32).reshape(2, 2, len(vector))
        # two buffers take turns, so that neither process overwrites what the other still reads
        slots = self._slots[self._turn]
        self._turn = 1 - self._turn
        slots[self.rank] = vector
        self.barrier()
        return np.asarray(slots[0] + slots[1])

    def disconnect(self) -> None:
        """Close the socket; the peer notices at its next message."""
        self._channel.close()

    def close(self) -> None:
        """Disconnect and release the shared memory."""
        self.disconnect()
        os.close(self._memory)

    def _send(self, content: bytes) -> None:
        try:
            self._channel.sendall(content)
        except ConnectionError:
            raise PeerExitedError from None

    def _receive(self, size: int) -> bytes:
        result = b""
        while len(result) < size:
            try:
                part = self._channel.recv(size - len(result))
            except ConnectionError:
                part = b""
            if not part:
                raise PeerExitedError
            result += part
        return result


class PeerProcess:
    """Context manager that runs the second process of a pair and yields the first one's `ProcessPair`.

    `command` is started with `--pair MEMORY,CHANNEL`, two descriptors, for its own `ProcessPair` of rank 1. A
    `PeerExitedError` that passes through gets the second process's return code.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)
        self._pair: ProcessPair | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> ProcessPair:
        memory = os.memfd_create("ratchet-gradients")
        ours, theirs = socket.socketpair()
        descriptors = (memory, theirs.fileno())
        command = [*self._command, "--pair", ",".join(map(str, descriptors))]
        self._process = subprocess.Popen(command, pass_fds=descriptors, stdout=subprocess.DEVNULL)
        theirs.close()
        self._pair = ProcessPair(0, memory, ours.detach())
        return self._pair

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is None or self._pair is None:
            return
        if isinstance(error, PeerExitedError):
            # its end of the socket is closed, so it is about to end
            error.returncode = self._process.wait()
        elif kind is not None:
            self._process.kill()
        self._process.wait()
        self._pair.close()
