"""Stage folders: hidden folders in which a process builds something that then appears whole under its name.

The builder holds a lock beside the folder, which the kernel releases however the process ends; a process number would
not do, since every container begins with the same ones. Add here what else such work has in common; the content is up
to each store.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

_FOLDER, _LOCK = ".stage", ".lock"


@contextmanager
def stage_folder(parent: Path, name: str) -> Iterator[Path]:
    """Make an empty hidden folder in `parent`, removed after the block unless it was moved away by then.

    Leftovers of killed processes in `parent` are removed first. Raises `BlockingIOError` while another process holds
    the name.
    """
    parent.mkdir(parents=True, exist_ok=True)
    sweep_stages(parent)
    stage = parent / f".{name}{_FOLDER}"
    with _hold(stage.with_suffix(_LOCK)):
        stage.mkdir()
        try:
            yield stage
        finally:
            shutil.rmtree(stage, ignore_errors=True)


def sweep_stages(parent: Path) -> None:
    """Remove the stage folders and locks in `parent` that no process holds."""
    for path in {path.with_suffix(_LOCK) for ending in (_FOLDER, _LOCK) for path in parent.glob(f".*{ending}")}:
        with suppress(BlockingIOError), _hold(path):
            shutil.rmtree(path.with_suffix(_FOLDER), ignore_errors=True)


@contextmanager
def _hold(path: Path) -> Iterator[None]:
    """Hold the lock at `path`, and remove its file after the block; raises `BlockingIOError` while it is taken."""
    while True:
        with path.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not _is_at(file, path):  # its holder has just finished, and removed the file that was opened here
                continue
            try:
                yield
            finally:
                path.unlink(missing_ok=True)
            return


def _is_at(file: IO[str], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
