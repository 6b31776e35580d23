"""Messages of a worker to its supervisor: one JSON document per line, through an inherited pipe.

Add here another kind of message. The supervisor passes them on through `progress.py`.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from ratchet.core.errors import RatchetError
from ratchet.training.supervision.progress import Progress


@dataclass(frozen=True)
class WorkerExit:
    """Reason for the end of a worker, as far as it could report one."""

    error: RatchetError | None = None
    second: int | None = None
    """Return code of the pair's second process, where the worker stopped because of it."""


class Channel:
    """Sending end of the pipe, in the worker."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def say(self, line: str) -> None:
        """Send one line for a person."""
        self._send({"say": line})

    def epoch(self, figures: Mapping[str, Any]) -> None:
        """Send the figures of one finished epoch, JSON types."""
        self._send({"epoch": dict(figures)})

    def fail(self, error: RatchetError) -> None:
        """Report an error that the user can fix."""
        self._send({"error": {"message": error.message, "hint": error.hint, "code": error.code}})

    def lose_second(self, returncode: int | None) -> None:
        """Report that the pair's second process ended, with its return code if known."""
        self._send({"second": returncode})

    def _send(self, content: Mapping[str, Any]) -> None:
        line = json.dumps(content).encode() + b"\n"
        while line:
            line = line[os.write(self._descriptor, line) :]


def relay_worker(stream: BinaryIO, progress: Progress) -> WorkerExit:
    """Pass on the messages of a worker until it ends; return the reason it gave. An incomplete last line is dropped."""
    last = WorkerExit()
    for line in stream:
        if not line.endswith(b"\n"):
            break
        message = json.loads(line)
        if "say" in message:
            progress.say(message["say"])
        elif "epoch" in message:
            progress.epoch(message["epoch"])
        elif "second" in message:
            last = WorkerExit(second=message["second"])
        else:
            error = message["error"]
            last = WorkerExit(RatchetError(error["message"], error["hint"], code=error["code"]))
    return last
