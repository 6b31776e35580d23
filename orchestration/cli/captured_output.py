"""Redirection of what libraries and child processes print into a log file, away from the terminal.

Add here handling of output that is not ours; lines for the person are `progress.py`.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


@contextmanager
def divert_output(log: Path) -> Iterator[TextIO]:
    """Send everything that libraries and child processes print to `log`; yield the terminal's standard error."""
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    # File descriptors, not sys.stdout: C libraries and child processes write past Python's streams.
    saved = {1: os.dup(1), 2: os.dup(2)}
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
    real = _is_stream(sys.stderr, 2)
    talk = (
        os.fdopen(os.dup(2), "w", encoding=sys.stderr.encoding, errors="backslashreplace", buffering=1)
        if real
        else sys.stderr
    )
    try:
        for number in saved:
            os.dup2(target, number)
        yield talk
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, copy in saved.items():
            os.dup2(copy, number)
            os.close(copy)
        os.close(target)
        if real:
            talk.close()


def _is_stream(stream: TextIO, number: int) -> bool:
    try:
        return stream.fileno() == number
    except (OSError, ValueError):
        return False
