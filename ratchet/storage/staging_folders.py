"""Stage folders: where a process builds what then appears whole, alone under its name, and what the next one finds of a
killed one.

Whoever builds holds a lock beside the folder, which the kernel gives back however the process ends; a process number
would not do, for every container begins with the same ones. Add here what else such work has in common; what is built
is its store's affair.
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
    """An empty hidden folder in `parent`, removed with the block unless it was moved away by then.

    What killed processes left in `parent` is removed before. Raises `BlockingIOError` while another holds that name.
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
    """The lock of that name, whose file goes with the block; raises `BlockingIOError` where somebody has it."""
    while True:
        with path.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not _is_at(file, path):  # whoever had it was just done, and removed the file that was opened here
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
