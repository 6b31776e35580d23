"""Warning of a webserver without the guard: Dagster's own one, started by hand, executes what any page sends it.

The code location cannot guard a server that runs in another process, and must not refuse to load: its sensors roll
back. It says so once. Add here how such a server is recognised; the guarded one is `webserver.py`.
"""

import functools
import itertools
import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

_LOG = logging.getLogger(__name__)

WARNING = (
    "Dagster's own webserver was started by hand: a page of any other site that you open can start and stop everything"
    " here. Stop it, and start 'make dev', or 'python -m orchestration.webserver' beside 'dagster-daemon run'."
)


def is_unguarded(commands: Iterable[Sequence[str]]) -> bool:
    """True where one of these command lines is Dagster's own webserver, or a command that starts it."""
    for command in commands:
        names = [Path(word).name for word in command]
        if {"dagster-webserver", "dagster_webserver"} & set(names):
            return True
        if any(pair in {("dagster", "dev"), ("dg", "dev")} for pair in itertools.pairwise(names)):
            return True
    return False


@functools.cache
def warn_once() -> None:
    """Log one warning a process where a process above it is such a webserver, as it is above Dagster's code server."""
    import psutil

    commands: list[list[str]] = []
    with suppress(psutil.Error):
        for parent in psutil.Process().parents():
            with suppress(psutil.Error):  # it has ended, or belongs to another user
                commands.append(parent.cmdline())
    if is_unguarded(commands):
        _LOG.warning(WARNING)
