"""Lifetime of a process that does one job: it imports without pauses, and ends without taking its memory apart.

torch and the libraries above it make half a million objects that stay until the end. By default Python looks through
them for garbage several times while they are made, which costs a training a second, and frees them one by one at the
end, which costs another. Add here what every process of ours does first or last.
"""

import atexit
import contextlib
import gc
import io
import logging
import os
import sys
from collections.abc import Callable
from typing import NoReturn

_NORMAL = gc.get_threshold()
_RARELY = (50_000, 20, 10)
"""New objects before the youngest are looked through, and how often they are before older ones are."""


def run_process(main: Callable[[], int]) -> NoReturn:
    """Run `main`, the whole job of this process, and end it with the exit code that it returns.

    Threads are waited for and exit handlers run as usual; then output is flushed, and the kernel frees the memory. An
    exception from `main` ends the process in Python's own way.
    """
    code: int | None = None

    def leave() -> None:
        if code is not None:
            logging.shutdown()
            os._exit(_flush() or code)

    atexit.register(leave)  # handlers run in reverse order, so this one, registered first, runs last
    gc.set_threshold(*_RARELY)
    escape_unprintable()
    code = main()
    sys.exit(code)


def escape_unprintable() -> None:
    """Let output show a character that its terminal cannot hold as an escape, such as \\xe9, never as an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def freeze_imports() -> None:
    """Exempt what is in memory from garbage collection, and collect as often as usual from now on.

    For the moment when all is loaded and a loop begins. Does nothing in a process that `run_process` does not run.
    """
    if gc.get_threshold() == _RARELY:
        gc.freeze()
        gc.set_threshold(*_NORMAL)


def _flush() -> int:
    """Write what is buffered; return Python's exit code 120 where that fails."""
    failed = 0
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):  # a process without output has None
            try:
                stream.flush()
            except (OSError, ValueError):
                failed = 120
    return failed
