"""What a worker tells its supervisor: one JSON document a line, through a pipe that both inherit.

Add here another thing to tell. Where the supervisor passes it on is `progress.py`.
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
    """Why a worker stopped, as far as it could say so itself."""

    error: RatchetError | None = None
    second: int | None = None
    """Return code of the pair's second process, when the worker stopped for its sake."""


class Channel:
    """The worker's end."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def say(self, line: str) -> None:
        """One line for a person."""
        self._tell({"say": line})

    def epoch(self, figures: Mapping[str, Any]) -> None:
        """The figures of one finished epoch, JSON types."""
        self._tell({"epoch": dict(figures)})

    def fail(self, error: RatchetError) -> None:
        """The worker stops for something that the user can mend."""
        self._tell({"error": {"message": error.message, "hint": error.hint, "code": error.code}})

    def lose_second(self, returncode: int | None) -> None:
        """The worker stops because the pair's second process did."""
        self._tell({"second": returncode})

    def _tell(self, content: Mapping[str, Any]) -> None:
        line = json.dumps(content).encode() + b"\n"
        while line:
            line = line[os.write(self._descriptor, line) :]


def relay_worker(stream: BinaryIO, progress: Progress) -> WorkerExit:
    """Pass on what a worker tells until it ends, and return its last words. A line that its death cut short is
    dropped."""
    last = WorkerExit()
    for line in stream:
        if not line.endswith(b"\n"):
            break
        told = json.loads(line)
        if "say" in told:
            progress.say(told["say"])
        elif "epoch" in told:
            progress.epoch(told["epoch"])
        elif "second" in told:
            last = WorkerExit(second=told["second"])
        else:
            error = told["error"]
            last = WorkerExit(RatchetError(error["message"], error["hint"], code=error["code"]))
    return last
