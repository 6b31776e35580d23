"""Two processes that train one model in step: each works on half of every batch, their gradients are added.

On two cores this beats one process with two threads by far. The sum goes through shared memory and is the same, bit by
bit, in both; a socket says when a half is ready, and when the other has died. Add here how the two talk; what they
compute is in `loop.py`.
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
    """The pair of one: it does everything itself."""

    rank = 0
    ranks = 1

    def tell(self, verb: Verb, epoch: int = 0) -> None:
        """Nobody listens."""

    def meet(self) -> None:
        """Nobody to wait for."""

    def add(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """The sum over one."""
        return vector


class ProcessPair:
    """One of two processes: rank 0 gives the orders, rank 1 follows them."""

    ranks = 2

    def __init__(self, rank: int, memory: int, channel: int) -> None:
        self.rank = rank
        self._channel = socket.socket(fileno=channel)
        self._memory = memory
        self._slots: NDArray[Any] | None = None
        self._turn = 0

    def tell(self, verb: Verb, epoch: int = 0) -> None:
        """Order the other to do as this process is about to do."""
        self._send(_ORDER.pack(_VERBS.index(verb), epoch))

    def listen(self) -> tuple[Verb, int]:
        """The next order; blocks until there is one."""
        verb, epoch = _ORDER.unpack(self._receive(_ORDER.size))
        return _VERBS[verb], epoch

    def meet(self) -> None:
        """Wait until the other is here too."""
        self._send(_READY)
        self._receive(len(_READY))

    def add(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """The sum of both processes' vectors, float32 [n]; both must call, always with the same n, and
        both get the same bits.

        Two buffers take turns, so that nobody overwrites what the other still reads.
        """
        if self._slots is None:
            os.ftruncate(self._memory, 4 * 4 * len(vector))
            shared = mmap.mmap(self._memory, 0)
            self._slots = np.frombuffer(shared, dtype=np.float32).reshape(2, 2, len(vector))
        slots = self._slots[self._turn]
        self._turn = 1 - self._turn
        slots[self.rank] = vector
        self.meet()
        return np.asarray(slots[0] + slots[1])

    def hang_up(self) -> None:
        """Say no more: the other notices at its next word."""
        self._channel.close()

    def close(self) -> None:
        """Hang up and give back the shared memory."""
        self.hang_up()
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
    """The second process of a pair, from its start to its end; a context manager that yields the first one's
    `ProcessPair`.

    `command` is started with `--pair MEMORY,CHANNEL`, two descriptors, for its own `ProcessPair` of rank 1. An
    `PeerExitedError` of the first one learns here how the second ended.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)
        self._duo: ProcessPair | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> ProcessPair:
        memory = os.memfd_create("ratchet-gradients")
        ours, theirs = socket.socketpair()
        descriptors = (memory, theirs.fileno())
        command = [*self._command, "--pair", ",".join(map(str, descriptors))]
        self._process = subprocess.Popen(command, pass_fds=descriptors, stdout=subprocess.DEVNULL)
        theirs.close()
        self._duo = ProcessPair(0, memory, ours.detach())
        return self._duo

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is None or self._duo is None:
            return
        if isinstance(error, PeerExitedError):
            # its end of the channel is closed: it is dying, and how is what we ask
            error.returncode = self._process.wait()
        elif kind is not None:
            self._process.kill()
        self._process.wait()
        self._duo.close()
