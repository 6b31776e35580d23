"""Leases: locks that a process holds as long as it lives, so that others know whether a piece of work is still running.

The kernel releases a lease however its holder ends, also by a kill or a power loss. Add here other questions about a
lease; runs take theirs in `resources/run_locks.py`, and lost ones are handled in `orchestration/run_launcher.py`.
"""

import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ratchet.storage.locks.process_locks import share_descriptor

Lease = Literal["held", "left", "none"]


@dataclass(frozen=True)
class Leases:
    """The leases in one folder, by the id (a UUID) of the work."""

    folder: Path

    @contextmanager
    def hold(self, work: str) -> Iterator[None]:
        """Hold the lease of `work` during the block; holding it again in the same process shares it.

        Work has one process: another one that holds the lease loses it. Raises `ValueError` for an id that is not a
        UUID.
        """
        path = self._path(work)

        def take() -> int:
            self.folder.mkdir(parents=True, exist_ok=True)
            stage = path.with_suffix(f".{os.getpid()}")
            descriptor = os.open(stage, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            stage.replace(path)  # it appears under its name only once it is locked: an unlocked one is a dead holder's
            return descriptor

        def give_back(descriptor: int) -> None:
            path.unlink(missing_ok=True)  # before the lock goes, for the same reason
            os.close(descriptor)

        with share_descriptor(path, take, give_back):
            yield

    def state(self, work: str) -> Lease:
        """Return `held` while a process holds the lease, `left` if its holder ended without releasing it, or `none`."""
        path = self._path(work)
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return "none"
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return "held"
        else:
            return "left" if path.exists() else "none"
        finally:
            os.close(descriptor)

    def forget(self, work: str) -> None:
        """Remove the lease file of a dead holder."""
        self._path(work).unlink(missing_ok=True)

    def _path(self, work: str) -> Path:
        return self.folder / f"{uuid.UUID(work)}.lease"
